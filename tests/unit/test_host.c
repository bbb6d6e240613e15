/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/array.h"
#include "process/host.h"
#include "root_fixture.h"

#define MACHINE "/etc/machine-id"
#define DBUS    "/var/lib/dbus/machine-id"
#define UUID    "/sys/devices/virtual/dmi/id/product_uuid"
#define TAG     "/sys/devices/virtual/dmi/id/board_asset_tag"
#define BOOT    "/proc/sys/kernel/random/boot_id"
#define CLOUD   "/run/cloud-init/instance-data.json"

static void assert_text(const char *what, const char *found, const char *expected)
{
	if ((found && expected && strcmp(found, expected)) || !found != !expected)
		fail_msg("%s is %s, not %s", what, found ? found : "null",
			expected ? expected : "null");
}

struct fixture {
	const char *path, *content;
};

static const struct {
	const char *name;
	struct fixture files[4];
	const char *machine_id, *boot_id, *instance_id, *region;
} cases[] = {
	{"an EC2 instance with cloud-init",
		{{MACHINE, "0123456789abcdef0123456789abcdef\n"},
			{BOOT, "11111111-2222-3333-4444-555555555555\n"},
			{TAG, "i-0123456789abcdef0\n"},
			{CLOUD, "{\"v1\":{\"cloud_name\":\"aws\",\"instance_id\":\"i-"
				"0123456789abcdef0\","
				"\"region\":\"eu-west-1\"}}"}},
		"0123456789abcdef0123456789abcdef", "11111111-2222-3333-4444-555555555555",
		"i-0123456789abcdef0", "eu-west-1"},
	{"Xen: cloud-init alone knows",
		{{CLOUD, "{\"v1\":{\"instance_id\":\"i-01234567\",\"region\":\"us-gov-west-1\"}}"}},
		"unknown", "unknown", "i-01234567", "us-gov-west-1"},
	{"DMI alone knows", {{TAG, "i-0123456789abcdef0"}}, "unknown", "unknown",
		"i-0123456789abcdef0", NULL},
	{"another cloud",
		{{CLOUD, "{\"v1\":{\"cloud_name\":\"gce\",\"instance_id\":\"i-01234567\","
			 "\"region\":\"europe-west1\"}}"}},
		"unknown", "unknown", NULL, NULL},
	{"a tag that is no instance's", {{TAG, "Not Specified"}}, "unknown", "unknown", NULL, NULL},
	{"a tag that is almost one", {{TAG, "i-0123456"}}, "unknown", "unknown", NULL, NULL},
	{"a tag that is too long", {{TAG, "i-0123456789abcdef01"}}, "unknown", "unknown", NULL,
		NULL},
	{"a tag in capitals", {{TAG, "i-0123456789ABCDEF0"}}, "unknown", "unknown", NULL, NULL},
	{"cloud-init's file is broken", {{CLOUD, "{\"v1\":"}}, "unknown", "unknown", NULL, NULL},
	{"cloud-init's file is odd", {{CLOUD, "{\"v1\":[\"region\"]}"}}, "unknown", "unknown", NULL,
		NULL},
	{"a Region that is none", {{CLOUD, "{\"v1\":{\"region\":\"<b>\"}}"}}, "unknown", "unknown",
		NULL, NULL},
	{"D-Bus' id", {{DBUS, "0123456789abcdef0123456789abcdef\n"}},
		"0123456789abcdef0123456789abcdef", "unknown", NULL, NULL},
	{"an id that is not yet there",
		{{MACHINE, "uninitialized\n"}, {UUID, "EC2E1916-9099-7CAF-FD21-012345ABCDEF\n"}},
		"ec2e191690997caffd21012345abcdef", "unknown", NULL, NULL},
	{"firmware without an id",
		{{UUID, "00000000-0000-0000-0000-000000000000\n"},
			{BOOT, "11111111-2222-3333-4444-555555555555\n"}},
		"11111111222233334444555555555555", "11111111-2222-3333-4444-555555555555", NULL,
		NULL},
	{"an id that is too long", {{MACHINE, "0123456789abcdef0123456789abcdef0\n"}}, "unknown",
		"unknown", NULL, NULL},
	{"an empty id", {{MACHINE, ""}}, "unknown", "unknown", NULL, NULL},
	{"nothing at all", {{NULL, NULL}}, "unknown", "unknown", NULL, NULL},
};

static void files_name_the_machine(void **state)
{
	struct utsname system;

	assert_int_equal(uname(&system), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct host host;

		print_message("  %s\n", cases[i].name);
		assert_int_equal(make_root(state), 0);
		for (size_t j = 0; j < ARRAY_SIZE(cases[i].files) && cases[i].files[j].path; j++)
			put(cases[i].files[j].path, cases[i].files[j].content);
		assert_int_equal(host__read(&host, root), 0);
		assert_text("hostname", host.hostname, system.nodename);
		assert_text("kernel", host.kernel, system.release);
		assert_text("machine_id", host.machine_id, cases[i].machine_id);
		assert_text("boot_id", host.boot_id, cases[i].boot_id);
		assert_text("instance_id", host.instance_id, cases[i].instance_id);
		assert_text("region", host.region, cases[i].region);
		host__clear(&host);
		assert_null(host.hostname);
		assert_int_equal(remove_root(state), 0);
	}
}

static void cloud_init_knows_the_account(void **state)
{
	static const struct {
		const char *name, *json, *account_id;
	} accounts[] = {
		{"the identity document",
			"{\"v1\":{\"cloud_name\":\"aws\"},\"ds\":{\"dynamic\":{\"instance-"
			"identity\":"
			"{\"document\":{\"accountId\":\"111122223333\"}}}}}",
			"111122223333"},
		{"the same, as templates see it",
			"{\"v1\":{},\"ds\":{\"dynamic\":{\"instance_identity\":{\"document\":"
			"{\"accountId\":\"111122223333\"}}}}}",
			"111122223333"},
		{"the owner of an interface",
			"{\"v1\":{},\"ds\":{\"meta_data\":{\"network\":{\"interfaces\":{\"macs\":{"
			"\"06:00:00:00:00:01\":{\"owner-id\":\"444455556666\"}}}}}}}",
			"444455556666"},
		{"another cloud's",
			"{\"v1\":{\"cloud_name\":\"gce\"},\"ds\":{\"dynamic\":{\"instance-"
			"identity\":"
			"{\"document\":{\"accountId\":\"111122223333\"}}}}}",
			NULL},
		{"no account's",
			"{\"v1\":{},\"ds\":{\"dynamic\":{\"instance-identity\":{\"document\":"
			"{\"accountId\":\"1111-2222\"}}}}}",
			NULL},
		{"an odd one", "{\"v1\":{},\"ds\":[{\"dynamic\":1}]}", NULL},
		{"a text for a document",
			"{\"v1\":{},\"ds\":{\"dynamic\":{\"instance-identity\":{\"document\":\"a\"}"
			"}}}",
			NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(accounts); i++) {
		struct host host;

		print_message("  %s\n", accounts[i].name);
		assert_int_equal(make_root(state), 0);
		put(CLOUD, accounts[i].json);
		assert_int_equal(host__read(&host, root), 0);
		assert_text("account_id", host.account_id, accounts[i].account_id);
		host__clear(&host);
		assert_int_equal(remove_root(state), 0);
	}
}

static void this_machine_has_a_name(void **state)
{
	struct host host;
	(void)state;

	assert_int_equal(host__read(&host, ""), 0);
	assert_true(*host.hostname && *host.kernel && *host.machine_id);
	assert_int_equal(strlen(host.boot_id), 36);
	host__clear(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_name_the_machine),
		cmocka_unit_test(cloud_init_knows_the_account),
		cmocka_unit_test(this_machine_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
