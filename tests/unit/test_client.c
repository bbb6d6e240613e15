/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/array.h"
#include "report/client.h"

static void agents_are_recognised(void **state)
{
	static const struct {
		const char *agent, *name, *version, *min_version;
		bool sdk, too_old;
	} cases[] = {
		{"Boto3/1.9.42 Python/3.7.3 Linux/5.10 Botocore/1.12.42", "boto3", "1.9.42",
			"1.12.6", true, true},
		{"Boto3/1.12.6 Python/3.7.3 Linux/5.10 Botocore/1.15.6", "boto3", "1.12.6",
			"1.12.6", true, false},
		{"Boto3/1.28.57 md/Botocore#1.31.57 ua/2.0 os/linux#6.1", "boto3", "1.28.57",
			"1.12.6", true, false},
		{"Botocore/1.13.24 Python/3.7.3 Linux/5.10", "botocore", "1.13.24", "1.13.25", true,
			true},
		{"Botocore/1.29.27 Python/3.11.2 Linux/6.1", "botocore", "1.29.27", "1.13.25", true,
			false},
		{"aws-cli/1.16.288 Python/3.7.3 Linux/5.10 botocore/1.13.24", "aws-cli", "1.16.288",
			"1.16.289", true, true},
		{"aws-cli/2.9.19", "aws-cli", "2.9.19", "1.16.289", true, false},
		{"AWSPowerShell/3.3.500.0 .NET_Runtime/4.0 aws-sdk-dotnet-45/3.3.0",
			"AWSPowerShell", "3.3.500.0", "4.0.1.0", true, true},
		{"aws-sdk-dotnet-coreclr/3.7.100 .NET_Core/6.0", "aws-sdk-dotnet", "3.7.100",
			"3.3.634.1", true, false},
		{"aws-sdk-dotnet-45/3.3.0.0 .NET_Runtime/4.0", "aws-sdk-dotnet", "3.3.0.0",
			"3.3.634.1", true, true},
		{"aws-sdk-cpp/1.7.228 Linux/5.10", "aws-sdk-cpp", "1.7.228", "1.7.229", true, true},
		{"aws-sdk-go/1.25.37 (go1.13; linux; amd64)", "aws-sdk-go", "1.25.37", "1.25.38",
			true, true},
		{"aws-sdk-go-v2/1.17.3 os/linux lang/go#1.19 ft/ec2-imds", "aws-sdk-go-v2",
			"1.17.3", "0.19.0", true, false},
		{"aws-sdk-java/1.11.677 Linux/5.10", "aws-sdk-java", "1.11.677", "1.11.678", true,
			true},
		{"aws-sdk-java/2.10.20 Linux/5.10", "aws-sdk-java-v2", "2.10.20", "2.10.21", true,
			true},
		{"aws-sdk-java/2.20.1", "aws-sdk-java-v2", "2.20.1", "2.10.21", true, false},
		{"aws-sdk-nodejs/2.721.9 linux/v12.22.12", "aws-sdk-js", "2.721.9", "2.722.0", true,
			true},
		{"aws-sdk-php/3.147.7 GuzzleHttp/7", "aws-sdk-php", "3.147.7", "3.147.7", true,
			false},
		{"aws-sdk-ruby3/3.78.9 ruby/2.7", "aws-sdk-ruby", "3.78.9", "3.79.0", true, true},
		{"Cloud-Init/19.3", "cloud-init", "19.3", "19.4", false, true},
		{"Cloud-Init/22.2.2-64-g1fcd55d6-0ubuntu1", "cloud-init",
			"22.2.2-64-g1fcd55d6-0ubuntu1", "19.4", false, false},
		{"Python-urllib/2.7", "Python-urllib", "2.7", NULL, false, false},
		{"python-requests/2.31.0", "python-requests", "2.31.0", NULL, false, false},
		{"HTTP-Tiny/0.080", "HTTP-Tiny", "0.080", NULL, false, false},
		{"node", "node", "", NULL, false, false},
		{"undici", "undici", "", NULL, false, false},
		{"curl/7.88.1", "curl", "7.88.1", NULL, false, false},
		{"Wget", "Wget", "", NULL, false, false},
		{"Wget/1.21.3", "Wget", "1.21.3", NULL, false, false},
		{"Go-http-client/1.1", "Go-http-client", "", NULL, false, false},
		/* a name, but no version */
		{"Boto3", "boto3", "", "1.12.6", true, false},
		{"Boto3/", "boto3", "", "1.12.6", true, false},
		{"Boto3/unknown Python/3", "boto3", "", "1.12.6", true, false},
		/* nobody known: what it says */
		{"notcurl/1.0", "notcurl", "1.0", NULL, false, false},
		{"curly/1.0", "curly", "1.0", NULL, false, false},
		{"CURL/1.0", "CURL", "1.0", NULL, false, false},
		{"my-aws-sdk-go/1.0", "my-aws-sdk-go", "1.0", NULL, false, false},
		{"aws-sdk-java/21.0", "aws-sdk-java", "21.0", NULL, false, false},
		{"Mozilla/5.0 (X11; Linux)", "Mozilla", "5.0", NULL, false, false},
		{"acme collector 3", "acme", "", NULL, false, false},
		{"gcloud-golang/0.1", "gcloud-golang", "0.1", NULL, false, false},
		{"", NULL, "", NULL, false, false},
		{" / /// ()", NULL, "", NULL, false, false},
		{NULL, NULL, "", NULL, false, false},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct client client;

		print_message("  %s\n", cases[i].agent ? cases[i].agent : "(none)");
		client__recognise(&client, cases[i].agent);
		if (!cases[i].name) {
			assert_string_equal(client.name, "");
		} else {
			assert_string_equal(client.name, cases[i].name);
		}
		assert_string_equal(client.version, cases[i].version);
		if (!cases[i].min_version) {
			assert_null(client.min_version);
		} else {
			assert_non_null(client.min_version);
			assert_string_equal(client.min_version, cases[i].min_version);
		}
		assert_int_equal(client.sdk, cases[i].sdk);
		assert_int_equal(client.too_old, cases[i].too_old);
	}
}

static void a_long_version_is_cut(void **state)
{
	char agent[300] = "curl/";
	struct client client;
	(void)state;

	memset(agent + 5, '9', sizeof(agent) - 6);
	client__recognise(&client, agent);
	assert_int_equal(strlen(client.version), sizeof(client.version) - 1);
}

static void versions_are_compared_by_number(void **state)
{
	static const struct {
		const char *a, *b;
		int order;
	} cases[] = {
		{"1.9", "1.12", -1},
		{"1.12", "1.12.1", -1},
		{"1.12.0", "1.12", 0},
		{"1.12", "1.12", 0},
		{"2", "1.99.99", 1},
		{"0.19.0", "1.0", -1},
		{"1.012", "1.12", 0},
		{"99999999999999999999999.1", "99999999999999999999998.2", 1},
		{"3.0.413.0", "3.2.1041.0", -1},
		{"22.2.2-64-g1fcd", "22.2.10", -1},
		{"1.0rc1", "1.0", 0},
		{"v1.2", "1.2", 0},
		{"", "0", 0},
		{"...", "1", -1},
		{"nonsense", "0.0.1", -1},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int order = client__compare_versions(cases[i].a, cases[i].b);
		int back = client__compare_versions(cases[i].b, cases[i].a);

		print_message("  %s, %s\n", cases[i].a, cases[i].b);
		assert_int_equal((order > 0) - (order < 0), cases[i].order);
		assert_int_equal((back > 0) - (back < 0), -cases[i].order);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agents_are_recognised),
		cmocka_unit_test(a_long_version_is_cut),
		cmocka_unit_test(versions_are_compared_by_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
