/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/array.h"
#include "process/script.h"

#define ARGS_END 16

static const struct {
	const char *name, *exe;
	char *args[ARGS_END];
	const char *script;
} cases[] = {
	/* shells */
	{"a script", "/usr/bin/bash", {"bash", "/etc/cron.daily/tag"}, "/etc/cron.daily/tag"},
	{"its arguments are not it", "/usr/bin/bash", {"bash", "tag", "-c", "x"}, "tag"},
	{"code", "/usr/bin/dash", {"sh", "-c", "curl http://x"}, NULL},
	{"code behind a flag", "/usr/bin/dash", {"sh", "-ec", "curl"}, NULL},
	{"code of a login shell", "/usr/bin/bash", {"-bash", "-lc", "curl"}, NULL},
	{"interactive", "/usr/bin/bash", {"-bash"}, NULL},
	{"flags", "/usr/bin/bash", {"bash", "-e", "-x", "./run.sh"}, "./run.sh"},
	{"-o with its option", "/usr/bin/bash", {"bash", "-o", "pipefail", "run.sh"}, "run.sh"},
	{"-o among flags", "/usr/bin/bash", {"bash", "-eo", "pipefail", "run.sh"}, "run.sh"},
	{"-o before a flag", "/usr/bin/bash", {"bash", "-oe", "pipefail", "run.sh"}, "run.sh"},
	{"two -o in one", "/usr/bin/zsh", {"zsh", "-oo", "a", "b", "run.sh"}, "run.sh"},
	{"+o", "/usr/bin/bash", {"bash", "+o", "posix", "run.sh"}, "run.sh"},
	{"-O", "/usr/bin/bash", {"bash", "-O", "extglob", "run.sh"}, "run.sh"},
	{"--rcfile", "/usr/bin/bash", {"bash", "--rcfile", "/etc/rc", "run.sh"}, "run.sh"},
	{"--norc", "/usr/bin/bash", {"bash", "--norc", "run.sh"}, "run.sh"},
	{"standard input", "/usr/bin/bash", {"bash", "-s", "argument"}, NULL},
	{"the end of options", "/usr/bin/bash", {"bash", "--", "-run.sh"}, "-run.sh"},
	{"another end of options", "/usr/bin/dash", {"sh", "-", "run.sh"}, "run.sh"},
	{"zsh", "/usr/bin/zsh", {"zsh", "-f", "run.zsh"}, "run.zsh"},
	{"ksh", "/usr/bin/ksh93", {"ksh", "run.ksh"}, "run.ksh"},
	{"busybox as sh", "/bin/busybox", {"sh", "/init.sh"}, "/init.sh"},
	{"busybox sh", "/bin/busybox", {"busybox", "sh", "-x", "/init.sh"}, "/init.sh"},
	{"busybox sh -c", "/bin/busybox", {"busybox", "sh", "-c", "wget"}, NULL},
	{"busybox wget", "/bin/busybox", {"busybox", "wget", "http://x"}, NULL},
	{"busybox alone", "/bin/busybox", {"busybox"}, NULL},
	/* python */
	{"python", "/usr/bin/python3.11", {"python3", "/opt/etl/load.py", "--all"},
		"/opt/etl/load.py"},
	{"python with flags", "/usr/bin/python3.11", {"python3", "-u", "-OO", "load.py"},
		"load.py"},
	{"python -W", "/usr/bin/python3.11", {"python3", "-W", "ignore", "load.py"}, "load.py"},
	{"python -W joined", "/usr/bin/python3.11", {"python3", "-Wignore", "load.py"}, "load.py"},
	{"python -X", "/usr/bin/python3.11", {"python3", "-uX", "dev", "load.py"}, "load.py"},
	{"python's long value", "/usr/bin/python3",
		{"python3", "--check-hash-based-pycs", "always", "load.py"}, "load.py"},
	{"a module", "/usr/bin/python3", {"python3", "-m", "http.server", "80"}, "-m http.server"},
	{"a module behind a flag", "/usr/bin/python3", {"python3", "-um", "awscli"}, "-m awscli"},
	{"a module joined", "/usr/bin/python3", {"python3", "-mawscli"}, "-m awscli"},
	{"a module without a name", "/usr/bin/python3", {"python3", "-m"}, NULL},
	{"python -c", "/usr/bin/python3", {"python3", "-c", "import boto3", "x"}, NULL},
	{"python -c behind a flag", "/usr/bin/python3", {"python3", "-Bc", "import boto3"}, NULL},
	{"python's standard input", "/usr/bin/python3", {"python3", "-", "x"}, NULL},
	{"an ABI in the name", "/usr/bin/python3.7m", {"python", "x.py"}, "x.py"},
	{"pypy", "/opt/pypy3.9", {"pypy3", "--jit", "off", "x.py"}, "x.py"},
	{"python-config is none", "/usr/bin/python-config", {"python-config", "x.py"}, NULL},
	/* perl */
	{"perl", "/usr/bin/perl", {"perl", "-w", "-T", "x.pl"}, "x.pl"},
	{"perl -I", "/usr/bin/perl", {"perl", "-I", "/lib", "x.pl"}, "x.pl"},
	{"perl -I joined", "/usr/bin/perl", {"perl", "-I/lib", "x.pl"}, "x.pl"},
	{"perl -M", "/usr/bin/perl", {"perl", "-MLWP::Simple", "x.pl"}, "x.pl"},
	{"perl -e", "/usr/bin/perl", {"perl", "-e", "get()"}, NULL},
	{"perl -lne", "/usr/bin/perl", {"perl", "-lne", "print", "file"}, NULL},
	{"perl -M and -E", "/usr/bin/perl", {"perl", "-MJSON", "-E", "say"}, NULL},
	{"perl -i.bak -pe", "/usr/bin/perl", {"perl", "-i.bak", "-pe", "s/a/b/", "f"}, NULL},
	{"perl for an architecture", "/usr/bin/perl5.36-x86_64-linux-gnu", {"perl", "x.pl"},
		"x.pl"},
	/* ruby */
	{"ruby", "/usr/bin/ruby3.1", {"ruby", "x.rb"}, "x.rb"},
	{"ruby -I and -r", "/usr/bin/ruby", {"ruby", "-I", "lib", "-r", "json", "x.rb"}, "x.rb"},
	{"ruby joined", "/usr/bin/ruby", {"ruby", "-Ilib", "-rjson", "-W0", "x.rb"}, "x.rb"},
	{"ruby -e", "/usr/bin/ruby", {"ruby", "-rjson", "-e", "puts"}, NULL},
	{"ruby's long value", "/usr/bin/ruby", {"ruby", "--enable", "jit", "x.rb"}, "x.rb"},
	{"ruby's joined long value", "/usr/bin/ruby", {"ruby", "--enable=jit", "x.rb"}, "x.rb"},
	/* node */
	{"node", "/usr/bin/node", {"node", "/srv/app.js"}, "/srv/app.js"},
	{"nodejs", "/usr/bin/nodejs", {"nodejs", "app.js"}, "app.js"},
	{"node -r", "/usr/bin/node", {"node", "-r", "dotenv/config", "app.js"}, "app.js"},
	{"node --require", "/usr/bin/node", {"node", "--require", "./x", "app.js"}, "app.js"},
	{"node --require=", "/usr/bin/node", {"node", "--require=./x", "app.js"}, "app.js"},
	{"node's V8 options", "/usr/bin/node", {"node", "--max-old-space-size=512", "app.js"},
		"app.js"},
	{"node --inspect", "/usr/bin/node", {"node", "--inspect", "app.js"}, "app.js"},
	{"node -e", "/usr/bin/node", {"node", "-e", "fetch()"}, NULL},
	{"node -p", "/usr/bin/node", {"node", "-p", "1"}, NULL},
	{"node --eval=", "/usr/bin/node", {"node", "--eval=1", "x"}, NULL},
	{"node --", "/usr/bin/node", {"node", "--", "app.js"}, "app.js"},
	{"node_exporter is none", "/usr/bin/node_exporter", {"node_exporter", "x"}, NULL},
	{"node-exporter is none", "/usr/bin/node-exporter", {"node-exporter", "x"}, NULL},
	/* php */
	{"php", "/usr/bin/php8.2", {"php", "artisan", "queue:work"}, "artisan"},
	{"php -f", "/usr/bin/php8.2", {"php", "-f", "x.php", "y"}, "x.php"},
	{"php -d", "/usr/bin/php", {"php", "-d", "a=b", "x.php"}, "x.php"},
	{"php -d joined", "/usr/bin/php", {"php", "-da=b", "x.php"}, "x.php"},
	{"php -r", "/usr/bin/php", {"php", "-r", "echo 1;"}, NULL},
	{"php --file=", "/usr/bin/php", {"php", "--file=x.php"}, "x.php"},
	{"php's own server", "/usr/bin/php", {"php", "-S", "0:80", "-t", "web", "r.php"}, "r.php"},
	{"php-fpm's title", "/usr/sbin/php-fpm8.2", {"php-fpm: pool www"}, NULL},
	/* java */
	{"a main class", "/usr/lib/jvm/17/bin/java", {"java", "com.example.Main", "x"},
		"com.example.Main"},
	{"java -jar", "/usr/bin/java", {"java", "-Xmx1g", "-jar", "/opt/app.jar", "x"},
		"/opt/app.jar"},
	{"java -cp", "/usr/bin/java", {"java", "-cp", "a:b", "Main"}, "Main"},
	{"java -classpath", "/usr/bin/java", {"java", "-classpath", "a", "-Dx=y", "Main"}, "Main"},
	{"java --class-path=", "/usr/bin/java", {"java", "--class-path=a", "Main"}, "Main"},
	{"java --add-opens", "/usr/bin/java", {"java", "--add-opens", "a/b=ALL", "Main"}, "Main"},
	{"java -m", "/usr/bin/java", {"java", "-p", "mods", "-m", "a/b.C"}, "-m a/b.C"},
	{"java --module=", "/usr/bin/java", {"java", "--module=a/b.C"}, "-m a/b.C"},
	{"java's files of options", "/usr/bin/java", {"java", "@jvm.args", "Main"}, "Main"},
	{"java alone", "/usr/bin/java", {"java", "-version"}, NULL},
	{"java -cp cut off", "/usr/bin/java", {"java", "-cp"}, NULL},
	/* lua, tcl */
	{"lua", "/usr/bin/lua5.4", {"lua", "x.lua"}, "x.lua"},
	{"lua -e runs the script, too", "/usr/bin/lua5.4", {"lua", "-e", "x=1", "x.lua"}, "x.lua"},
	{"lua -l", "/usr/bin/lua", {"lua", "-l", "socket", "x.lua"}, "x.lua"},
	{"luajit", "/usr/bin/luajit-2.1.0-beta3", {"luajit", "-O3", "x.lua"}, "x.lua"},
	{"tclsh", "/usr/bin/tclsh8.6", {"tclsh", "-encoding", "utf-8", "x.tcl"}, "x.tcl"},
	/* env */
	{"env", "/usr/bin/env", {"env", "python3", "x.py"}, "x.py"},
	{"env with variables", "/usr/bin/env", {"env", "-i", "A=b", "python3", "x.py"}, "x.py"},
	{"env -u", "/usr/bin/env", {"env", "-u", "HOME", "bash", "x.sh"}, "x.sh"},
	{"env -S", "/usr/bin/env", {"env", "-S", "python3 -u", "x.py"}, "x.py"},
	{"env -S as a kernel passes it", "/usr/bin/env", {"env", "-Spython3 -u", "x.py"}, "x.py"},
	{"env --split-string=", "/usr/bin/env", {"env", "--split-string=bash -e", "x"}, "x"},
	{"env of no interpreter", "/usr/bin/env", {"env", "curl", "x"}, NULL},
	{"env of env", "/usr/bin/env", {"env", "env", "bash", "x"}, NULL},
	{"env alone", "/usr/bin/env", {"env"}, NULL},
	/* without an executable */
	{"the name decides", NULL, {"/usr/bin/python3", "x.py"}, "x.py"},
	{"a login shell's name", NULL, {"-bash", "x.sh"}, "x.sh"},
	{"env's name", NULL, {"env", "bash", "x.sh"}, "x.sh"},
	{"no arguments at all", NULL, {NULL}, NULL},
	{"an interpreter without arguments", "/usr/bin/bash", {NULL}, NULL},
	{"no interpreter", "/usr/bin/curl", {"curl", "x"}, NULL},
	{"the executable outranks the name", "/usr/bin/curl", {"bash", "x"}, NULL},
	{"an empty script", "/usr/bin/bash", {"bash", ""}, NULL},
	{"a value that is missing", "/usr/bin/bash", {"bash", "-o"}, NULL},
};

static void the_script_is_found(void **state)
{
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *script = script__find(cases[i].exe, (char *const *)cases[i].args);

		print_message("  %s\n", cases[i].name);
		if (cases[i].script) {
			assert_non_null(script);
			assert_string_equal(script, cases[i].script);
		} else {
			assert_null(script);
		}
		free(script);
	}
}

static void env_with_a_thousand_arguments(void **state)
{
	static char *args[1002];
	char *words, *script;
	(void)state;

	args[0] = "env";
	for (size_t i = 1; i < 1001; i++)
		args[i] = "A=b";
	assert_null(script__find("/usr/bin/env", args));
	words = calloc(1, 4096);
	memset(words, 'a', 2);
	for (size_t i = 0; i < 4000; i += 2)
		memcpy(words + i, "b ", 2);
	args[1] = "-S";
	args[2] = words;
	script = script__find("/usr/bin/env", args);
	assert_null(script);
	free(words);
}

static void files_are_told_from_names(void **state)
{
	static const struct {
		const char *name, *exe, *script;
		bool file;
	} rows[] = {
		{"a shell script", "/usr/bin/bash", "run", true},
		{"a module", "/usr/bin/python3", "-m awscli", false},
		{"a class", "/usr/bin/java", "com.example.Main", false},
		{"a jar", "/usr/bin/java", "app.jar", true},
		{"a source file", "/usr/bin/java", "Main.java", true},
		{"a class of one word", "/usr/bin/java", "Main", false},
		{"a path", "/usr/bin/java", "./app", true},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		print_message("  %s\n", rows[i].name);
		assert_int_equal(script__is_file(rows[i].exe, rows[i].script), rows[i].file);
	}
	assert_true(script__interprets("/usr/bin/python3.11"));
	assert_true(script__interprets("/bin/busybox"));
	assert_false(script__interprets("/usr/bin/curl"));
	assert_false(script__interprets(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_script_is_found),
		cmocka_unit_test(env_with_a_thousand_arguments),
		cmocka_unit_test(files_are_told_from_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
