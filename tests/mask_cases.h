/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is secret in a process's arguments and what is not: one table for the user side (unit) and the
 * kernel side (e2e, as a real process's arguments). S(...) is a secret, NEXT is between arguments.
 */
#ifndef MASK_CASES_H
#define MASK_CASES_H

#include <stddef.h>

#define S(text) "\1" text "\2"
#define NEXT	"\3"

/* As the service gives them: 40 bytes that begin with 01 00 04, in base64url. */
#define IMDS_TOKEN "AQAEAJx7-kQ2mVbnTq0yRzLw_5sUhPdGo3XcEfKi8tZ1aYvNe4MluA=="
/* As it gave them before. */
#define OLD_TOKEN "AQAAANjUeHw9k2mVbnTq0yRzLw5sUhPdGo3XcEfKi8tZ1aYvNe4Mlg=="

_Static_assert(sizeof(IMDS_TOKEN) - 1 == 56, "an IMDS token");
_Static_assert(sizeof(OLD_TOKEN) - 1 == 56, "an IMDS token");

#define H     "X-aws-ec2-metadata-token"
#define KEY   "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define CURL  "curl" NEXT "-s" NEXT "-H" NEXT
#define AMI   "http://169.254.169.254/latest/meta-data/ami-id"
#define SHELL "sh" NEXT "-c" NEXT
#define PY    "python3" NEXT "-c" NEXT

struct mask_case {
	const char *name, *text;
};

/* clang-format off */
static const struct mask_case mask_cases[] = {
	/* the token's header */
	{"curl", CURL H ": " S(IMDS_TOKEN) NEXT AMI},
	{"a token of another service", CURL H ": " S("secret1234") NEXT AMI},
	{"without a blank", CURL H ":" S("secret1234") NEXT AMI},
	{"many blanks", CURL H ":              " S("secret1234") NEXT AMI},
	{"a tab", CURL H ":\t" S("secret1234") NEXT AMI},
	{"in lower case", CURL "x-aws-ec2-metadata-token: " S("secret1234")},
	{"in upper case", CURL "X-AWS-EC2-METADATA-TOKEN: " S("secret1234")},
	{"in any case", CURL "x-Aws-eC2-mEtadata-tOken: " S("secret1234")},
	{"with underscores", "app" NEXT "X_aws_ec2_metadata_token=" S("secret1234")},
	{"in one argument with its option", "curl" NEXT "-H" H ": " S("secret1234") NEXT AMI},
	{"a long option's value", "wget" NEXT "--header=" H ": " S("secret1234") NEXT AMI},
	{"an option of its own", "app" NEXT "--x-aws-ec2-metadata-token=" S("secret 12,34") NEXT "-v"},
	{"an option and its next argument", "app" NEXT "--x-aws-ec2-metadata-token" NEXT S("secret 12,34") NEXT "-v"},
	{"the next argument", "app" NEXT H NEXT S("secret1234") NEXT AMI},
	{"the next argument holds anything", "app" NEXT H NEXT S("sec ret'1\"2,34") NEXT AMI},
	{"Python, bytes", PY "get(U, headers={b\"" H "\": b\"" S("secret1234") "\"})"},
	{"Python, bytes in single quotes", PY "get(U, headers={b'" H "': b'" S("secret1234") "'})"},
	{"Python, an f-string's variable", PY "get(U, headers={'" H "': f'{token}'})"},
	{"Python, a list of tuples", PY "headers=[('" H "', '" S("secret1234") "'), ('Accept', '*/*')]"},
	{"Python, a call", PY "request.add_header('" H "', '" S("secret1234") "')"},
	{"Ruby, a hash", "ruby" NEXT "-e" NEXT "get(u, {'" H "' => '" S("secret1234") "', 'Accept' => '*/*'})"},
	{"Perl, a list", "perl" NEXT "-e" NEXT "$ua->get($u, \"" H "\" => \"" S("secret1234") "\");"},
	{"JavaScript, an object", "node" NEXT "-e" NEXT "fetch(u, {headers: {\"" H "\": \"" S("secret1234") "\"}})"},
	{"JavaScript, set()", "node" NEXT "-e" NEXT "h.set(`" H "`, `" S("secret1234") "`)"},
	{"Lua, a table", "lua" NEXT "-e" NEXT "h[\"" H "\"] = \"" S("secret1234") "\""},
	{"PHP", "php" NEXT "-r" NEXT "curl_setopt($c, 10023, ['" H ": " S("secret1234") "', 'Accept: */*']);"},
	{"JSON, an object", "app" NEXT "{\"" H "\":\"" S("secret1234") "\",\"b\":1}"},
	{"JSON, an array", "app" NEXT "[\"" H "\", \"" S("secret1234") "\"]"},
	{"JSON, over lines", "app" NEXT "[\n  \"" H "\",\n  \"" S("secret1234") "\"\n]"},
	{"JSON in a string", "app" NEXT "\"{\\\"" H "\\\": \\\"" S("secret1234") "\\\"}\""},
	{"a shell in a shell", SHELL "curl -s -H '" H ": " S(IMDS_TOKEN) "' " AMI},
	{"a shell's quotes around the value", SHELL "curl -H " H ":\"" S("secret 1234") "\" " AMI},
	{"two of them", SHELL "a " H ":" S("one1") "; b " H ":" S("two2") "; c"},
	{"a query", "app" NEXT "http://127.0.0.1/?x-aws-ec2-metadata-token=" S("secret1234") "&other=1"},
	{"the time to live stays", CURL H "-ttl-seconds: 21600" NEXT "http://169.254.169.254/latest/api/token"},
	{"the time to live in quotes stays", PY "{'" H "-ttl-seconds': '21600'}"},
	{"the time to live with underscores stays", "app" NEXT "x_aws_ec2_metadata_token_ttl_seconds=60"},
	{"a variable stays", SHELL "curl -H \"" H ": $TOKEN\" " AMI},
	{"a variable in braces stays", SHELL "curl -H \"" H ": ${TOKEN}\" " AMI},
	{"a command stays", SHELL "curl -H \"" H ": $(cat /run/token)\" " AMI},
	{"an empty value leaves the next argument", CURL H ": " NEXT AMI},
	{"curl's empty header", CURL H ";" NEXT AMI},
	{"a name leaves the next option", "grep" NEXT "-e" NEXT H NEXT "-r"},
	{"a name leaves a path", "grep" NEXT H NEXT "/var/log/app.log"},
	{"a name leaves a URL", "app" NEXT H NEXT AMI},
	{"almost the name", CURL "X-aws-ec2-metadata-toke: hello" NEXT "X-aws-ec2-metadata-tokens: hello"},
	/* a token by itself */
	{"a token", "app" NEXT S(IMDS_TOKEN)},
	{"a token of before", "app" NEXT S(OLD_TOKEN)},
	{"a token in a variable", SHELL "T=" S(IMDS_TOKEN) "; use $T"},
	{"a token in a path", "app" NEXT "http://127.0.0.1/t?" S(IMDS_TOKEN) "&x=1"},
	{"a token in quotes", PY "token = '" S(IMDS_TOKEN) "'"},
	{"a token without its end", "app" NEXT "-t" S("AQAEAJx7-kQ2mVbnTq0yRzLw") " x"},
	{"a token behind letters", "app" NEXT "\\n" S(IMDS_TOKEN) "\\n"},
	{"what begins as a token does stays", "app" NEXT "AQAE" NEXT "AQAENOTES.txt"},
	{"base64 stays", "app" NEXT "AQAAAAEAAQA=" NEXT "TWFuIGlzIGRpc3Rpbmd1aXNoZWQsIG5vdCBvbmx5IGJ5IGhpcyByZWFzb24="},
	/* keys */
	{"a secret key in the environment", "env" NEXT "AWS_SECRET_ACCESS_KEY=" S(KEY) NEXT "aws" NEXT "s3" NEXT "ls"},
	{"a session token in the environment", "env" NEXT "AWS_SESSION_TOKEN=" S("IQoJb3JpZ2luX2VjEH==") NEXT "aws"},
	{"a security token", "env" NEXT "AWS_SECURITY_TOKEN=" S("IQoJb3JpZ2luX2VjEH==") NEXT "aws"},
	{"a secret key in a shell", SHELL "AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=" S(KEY) " aws s3 ls"},
	{"a secret key, exported", SHELL "export AWS_SECRET_ACCESS_KEY='" S(KEY) "'; aws s3 ls"},
	{"a secret key that is configured", "aws" NEXT "configure" NEXT "set" NEXT "aws_secret_access_key" NEXT S(KEY)},
	{"the same in a shell", SHELL "aws configure set aws_secret_access_key " S(KEY) " && echo done"},
	{"a secret key in an ini file", SHELL "printf 'aws_secret_access_key = " S(KEY) "'"},
	{"a secret key in JSON", "app" NEXT "{\"AccessKeyId\":\"AKIDEXAMPLE\",\"SecretAccessKey\":\"" S(KEY) "\",\"SessionToken\":\"" S("IQoJ") "\"}"},
	{"a secret key in Python", PY "boto3.client('s3', aws_secret_access_key='" S(KEY) "', region_name='eu-west-1')"},
	{"a secret key, as an option", "s3cmd" NEXT "--access_key=AKIDEXAMPLE" NEXT "--secret_key=" S(KEY) NEXT "ls"},
	{"a secret key, as a property", "java" NEXT "-Daws.secretKey=" S(KEY) NEXT "-Daws.region=eu-west-1" NEXT "Main"},
	{"a session token, as an option", "app" NEXT "--session-token" NEXT S("IQoJb3JpZ2lu") NEXT "--region" NEXT "eu-west-1"},
	{"a signed URL", "curl" NEXT "https://b.s3.amazonaws.com/k?X-Amz-Expires=60&X-Amz-Security-Token=" S("IQoJb3%2F") "&X-Amz-Date=1"},
	{"the id of a key stays", "env" NEXT "AWS_ACCESS_KEY_ID=AKIDEXAMPLE" NEXT "aws"},
	{"a key that is a variable stays", SHELL "AWS_SECRET_ACCESS_KEY=$KEY aws s3 ls"},
	/* passwords */
	{"a password, as an option", "app" NEXT "--password=" S("hunter2") NEXT "--verbose"},
	{"a password that holds anything", "app" NEXT "--password=" S("a b'c\"d,e&f;g$h") NEXT "--verbose"},
	{"a password, as the next argument", "app" NEXT "--password" NEXT S("a b'c\"d,e&f;g$h") NEXT "--verbose"},
	{"a password with one dash", "app" NEXT "-password" NEXT S("hunter2")},
	{"a password of something", "app" NEXT "--db-password" NEXT S("hunter2") NEXT "--proxy_password=" S("hunter2")},
	{"a password in the environment", "env" NEXT "PGPASSWORD=" S("hunt'er,2") NEXT "psql"},
	{"a password in a shell", SHELL "PGPASSWORD=" S("hunter2") " psql -h db"},
	{"a password in a shell's quotes", SHELL "mysql --password='" S("hunt er2") "' -e 'select 1'"},
	{"a password in a shell, as the next word", SHELL "mysql --password " S("hunter2") " db"},
	{"a password in lower case", "app" NEXT "user=me password=" S("hunter2") " host=db"},
	{"a password in a query", "curl" NEXT "http://127.0.0.1/login?user=me&password=" S("hunter2") "&next=1"},
	{"a password in YAML", "app" NEXT "password: " S("hunter2")},
	{"a password in JSON", "app" NEXT "{\"user\": \"me\", \"password\": \"" S("hunt\\\"er2") "\", \"x\": 1}"},
	{"a password in Python", PY "connect(user='me', passwd='" S("hunter2") "', db='x')"},
	{"a passphrase", "gpg" NEXT "--passphrase" NEXT S("a b c") NEXT "-d"},
	{"a property of Java", "java" NEXT "-Djavax.net.ssl.keyStorePassword=" S("changeit") NEXT "Main"},
	{"no password is asked for", "sudo" NEXT "--passwordless" NEXT "yes" NEXT "passwordless=yes"},
	{"a password's file stays", "app" NEXT "--password-file" NEXT "/etc/password-file" NEXT "--password-stdin"},
	{"the file of passwords stays", "docker" NEXT "run" NEXT "-v" NEXT "/etc/passwd:/etc/passwd:ro" NEXT "grep" NEXT "root" NEXT "/etc/passwd"},
	{"prose stays", SHELL "echo your password has expired, change it"},
	{"the next option stays", "mysql" NEXT "--password" NEXT "--host=db"},
	{"the program passwd", "passwd" NEXT "root"},
	/* Authorization */
	{"a bearer", CURL "Authorization: Bearer " S("eyJhbGciOi.J9.x_y-z") NEXT AMI},
	{"basic", CURL "authorization: basic " S("dXNlcjpwYXNz") NEXT AMI},
	{"a proxy's", CURL "Proxy-Authorization: Basic " S("dXNlcjpwYXNz") NEXT AMI},
	{"without a scheme", CURL "Authorization: " S("eyJhbGciOi") NEXT AMI},
	{"of a scheme that nobody knows", CURL "Authorization: " S("token") " " S("ghp_abc") NEXT AMI},
	{"signed", CURL "Authorization: AWS4-HMAC-SHA256 " S("Credential=AKID/1/s3,") " " S("Signature=abc") NEXT AMI},
	{"Python", PY "get(U, headers={'Authorization': 'Bearer " S("abc") " " S("def") "', 'Accept': '*/*'})"},
	{"Ruby", "ruby" NEXT "-e" NEXT "r['Authorization'] = 'Basic " S("dXNlcjpwYXNz") "'; go"},
	{"authorization in prose stays", SHELL "echo authorization failed for me"},
	/* userinfo */
	{"user and password", "curl" NEXT "http://" S("user:pass") "@127.0.0.1:8080/x"},
	{"a user alone", "git" NEXT "clone" NEXT "https://" S("ghp_abcdef") "@github.com/a/b"},
	{"a password with an @", "curl" NEXT "http://" S("user:p@ss") "@host/"},
	{"in quotes", PY "get('http://" S("user:pass") "@host/x@y')"},
	{"behind an option", "curl" NEXT "--proxy=http://" S("u:p") "@proxy:3128" NEXT AMI},
	{"a database", "app" NEXT "postgresql://" S("me:hunter2") "@db.internal:5432/x?sslmode=require"},
	{"an address without userinfo stays", "curl" NEXT "http://host:8080/a@b" NEXT "http://host/?mail=a@b.c" NEXT "git@github.com:a/b"},
	{"two addresses stay", SHELL "curl http://host:80 a@b"},
};
/* clang-format on */

#define MASK_CASES (sizeof(mask_cases) / sizeof(mask_cases[0]))

/* The text of a case, with its secrets masked or as they are, NUL between arguments and behind the
 * last. Its size; out has room for all. */
static inline size_t mask_case__text(const struct mask_case *of, int masked, char *out)
{
	size_t size = 0;
	int secret = 0;

	for (const char *at = of->text; *at; at++) {
		if (*at == '\1' || *at == '\2')
			secret = *at == '\1';
		else if (*at == '\3')
			out[size++] = '\0';
		else
			out[size++] = secret && masked ? '*' : *at;
	}
	out[size++] = '\0';
	return size;
}

#endif
