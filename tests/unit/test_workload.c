/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "root_fixture.h"
#include "lib/array.h"
#include "process/workload.h"

#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define UID   "0a1b2c3d-1111-2222-3333-444455556666"
#define UID_  "0a1b2c3d_1111_2222_3333_444455556666"
#define TASK  "0123456789abcdef0123456789abcdef"

/* --- What a path alone says ---------------------------------------------------------------- */

static const struct {
	const char *name, *cgroup;
	const char *unit, *slice, *runtime, *id, *pod;
} paths[] = {
	/* systemd */
	{"a service", "/system.slice/cron.service", .unit = "cron.service",
		.slice = "system.slice"},
	{"a template's instance", "/system.slice/system-getty.slice/getty@tty1.service",
		.unit = "getty@tty1.service", .slice = "system-getty.slice"},
	{"an escaped name stays as systemd shows it", "/system.slice/a\\x2db.service",
		.unit = "a\\x2db.service", .slice = "system.slice"},
	{"a user's service", "/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service",
		.unit = "foo.service", .slice = "app.slice"},
	{"a user's manager", "/user.slice/user-1000.slice/user@1000.service/init.scope",
		.unit = "user@1000.service", .slice = "user-1000.slice"},
	{"a session", "/user.slice/user-1000.slice/session-3.scope", .unit = "session-3.scope",
		.slice = "user-1000.slice"},
	{"systemd itself", "/init.scope", .unit = "init.scope"},
	{"a cgroup below a service", "/system.slice/x.service/worker-1", .unit = "x.service",
		.slice = "system.slice"},
	{"a service cannot claim to be another", "/system.slice/x.service/sshd.service",
		.unit = "x.service", .slice = "system.slice"},
	{"nor another slice", "/system.slice/x.service/y.slice/z.service", .unit = "x.service",
		.slice = "system.slice"},
	{"docker's daemon is a service", "/system.slice/docker.service", .unit = "docker.service",
		.slice = "system.slice"},
	{"a name that the kernel would take for its own", "/system.slice/_cgroup.x.service",
		.unit = "cgroup.x.service", .slice = "system.slice"},
	{"the root", "/", .unit = NULL},
	{"no unit", "/foo/bar", .unit = NULL},
	{"nothing", "", .unit = NULL},
	{"unknown", .cgroup = NULL},
	{"a suffix alone is no unit", "/.service/.slice", .unit = NULL},
	/* docker */
	{"docker with systemd", "/system.slice/docker-" ID ".scope", .slice = "system.slice",
		.runtime = "docker", .id = ID},
	{"docker with cgroupfs", "/docker/" ID, .runtime = "docker", .id = ID},
	{"docker in docker", "/docker/" OTHER "/docker/" ID, .runtime = "docker", .id = ID},
	{"a service in a container", "/system.slice/docker-" ID ".scope/system.slice/foo.service",
		.unit = "foo.service", .slice = "system.slice", .runtime = "docker", .id = ID},
	{"systemd in a container", "/docker/" ID "/init.scope", .unit = "init.scope",
		.runtime = "docker", .id = ID},
	{"a short id is none", "/docker/0123456789ab", .unit = NULL},
	{"an id that is too long is none", "/docker/" ID "0", .unit = NULL},
	{"a scope that only looks like it", "/system.slice/docker-foo.scope",
		.unit = "docker-foo.scope", .slice = "system.slice"},
	{"runc without systemd", "/system.slice:docker:" ID, .runtime = "docker", .id = ID},
	/* containerd */
	{"nerdctl", "/default/" ID, .runtime = "containerd", .id = ID},
	{"nerdctl with systemd", "/system.slice/nerdctl-" ID ".scope", .slice = "system.slice",
		.runtime = "containerd", .id = ID},
	/* podman */
	{"podman", "/machine.slice/libpod-" ID ".scope", .slice = "machine.slice",
		.runtime = "podman", .id = ID},
	{"podman's inner cgroup", "/machine.slice/libpod-" ID ".scope/container",
		.slice = "machine.slice", .runtime = "podman", .id = ID},
	{"podman with cgroupfs", "/libpod_parent/libpod-" ID, .runtime = "podman", .id = ID},
	{"podman of a user",
		"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID
		".scope/container",
		.slice = "user.slice", .runtime = "podman", .id = ID},
	{"podman in a service", "/system.slice/web.service/libpod-payload-" ID,
		.slice = "system.slice", .runtime = "podman", .id = ID},
	{"podman's monitor is outside", "/machine.slice/libpod-conmon-" ID ".scope",
		.unit = "libpod-conmon-" ID ".scope", .slice = "machine.slice"},
	/* ECS */
	{"ECS", "/ecs/" TASK "/" ID, .runtime = "ecs", .id = ID},
	{"ECS with the cluster's name", "/ecs/prod/" TASK "/" ID, .runtime = "ecs", .id = ID},
	{"ECS with systemd", "/ecstasks.slice/ecstasks-" TASK ".slice/docker-" ID ".scope",
		.slice = "ecstasks-" TASK ".slice", .runtime = "ecs", .id = ID},
	{"Fargate", "/ecs/" TASK "/" TASK "-1234567890", .runtime = "ecs",
		.id = TASK "-1234567890"},
	{"ECS' agent is a service", "/system.slice/ecs.service", .unit = "ecs.service",
		.slice = "system.slice"},
	/* Kubernetes */
	{"a pod with systemd",
		"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
		".slice/cri-containerd-" ID ".scope",
		.slice = "kubepods-burstable-pod" UID_ ".slice", .runtime = "containerd", .id = ID,
		.pod = UID},
	{"a guaranteed pod",
		"/kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" ID ".scope",
		.slice = "kubepods-pod" UID_ ".slice", .runtime = "containerd", .id = ID,
		.pod = UID},
	{"a pod with cgroupfs", "/kubepods/burstable/pod" UID "/" ID, .runtime = "containerd",
		.id = ID, .pod = UID},
	{"a guaranteed pod with cgroupfs", "/kubepods/pod" UID "/" ID, .runtime = "containerd",
		.id = ID, .pod = UID},
	{"a static pod", "/kubepods/besteffort/pod" TASK "/" ID, .runtime = "containerd", .id = ID,
		.pod = TASK},
	{"a pod of docker",
		"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
		".slice/docker-" ID ".scope",
		.slice = "kubepods-besteffort-pod" UID_ ".slice", .runtime = "docker", .id = ID,
		.pod = UID},
	{"a pod of CRI-O", "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID ".scope/container",
		.slice = "kubepods-pod" UID_ ".slice", .runtime = "cri-o", .id = ID, .pod = UID},
	{"CRI-O with cgroupfs", "/kubepods/burstable/pod" UID "/crio-" ID, .runtime = "cri-o",
		.id = ID, .pod = UID},
	{"CRI-O's monitor is outside",
		"/kubepods.slice/kubepods-pod" UID_ ".slice/crio-conmon-" ID ".scope",
		.unit = "crio-conmon-" ID ".scope", .slice = "kubepods-pod" UID_ ".slice",
		.pod = UID},
	{"a pod by runc without systemd",
		"/system.slice/containerd.service/kubepods-besteffort-pod" UID_
		".slice:cri-containerd:" ID,
		.slice = "system.slice", .runtime = "containerd", .id = ID, .pod = UID},
	{"kind: a pod in a container",
		"/docker/" OTHER
		"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
		"kubelet-kubepods-burstable-pod" UID_ ".slice/cri-containerd-" ID ".scope",
		.slice = "kubelet-kubepods-burstable-pod" UID_ ".slice", .runtime = "containerd",
		.id = ID, .pod = UID},
	{"docker in a pod", "/kubepods/pod" UID "/" OTHER "/docker/" ID, .runtime = "docker",
		.id = ID, .pod = UID},
	{"a service called pod-something is none", "/system.slice/podinfo.service",
		.unit = "podinfo.service", .slice = "system.slice"},
	/* LXC, nspawn, machines */
	{"LXC", "/lxc.payload.web/system.slice/nginx.service", .unit = "nginx.service",
		.slice = "system.slice", .runtime = "lxc", .id = "web"},
	{"LXC before 4.0", "/lxc/web", .runtime = "lxc", .id = "web"},
	{"LXC's other form", "/lxc.payload/web", .runtime = "lxc", .id = "web"},
	{"LXC's monitor is outside", "/lxc.monitor.web", .unit = NULL},
	{"LXC's other monitor is outside", "/lxc.monitor/web", .unit = NULL},
	{"nspawn as a service", "/machine.slice/systemd-nspawn@web.service/payload",
		.slice = "machine.slice", .runtime = "nspawn", .id = "web"},
	{"nspawn's own half is outside", "/machine.slice/systemd-nspawn@web.service/supervisor",
		.unit = "systemd-nspawn@web.service", .slice = "machine.slice"},
	{"nspawn as a scope", "/machine.slice/machine-a\\x2db.scope/payload/init.scope",
		.unit = "init.scope", .slice = "machine.slice", .runtime = "nspawn", .id = "a-b"},
	{"a virtual machine is no container", "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope",
		.unit = "machine-qemu\\x2d1\\x2dvm.scope", .slice = "machine.slice"},
	{"an escape of no character stays", "/lxc/a\\x00b\\xffc\\x2", .runtime = "lxc",
		.id = "a\\x00b\\xffc\\x2"},
};

static void assert_text(const char *what, const char *found, const char *expected)
{
	if ((found && expected && strcmp(found, expected)) || !found != !expected)
		fail_msg("%s is %s, not %s", what, found ? found : "null",
			expected ? expected : "null");
}

static void a_path_names_the_workload(void **state)
{
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct workload workload;

		print_message("  %s\n", paths[i].name);
		assert_int_equal(workload__find(&workload, paths[i].cgroup, root), 0);
		assert_text("unit", workload.unit, paths[i].unit);
		assert_text("slice", workload.slice, paths[i].slice);
		assert_text("runtime", workload.container.runtime, paths[i].runtime);
		assert_text("id", workload.container.id, paths[i].id);
		assert_text("pod", workload.pod.uid, paths[i].pod);
		workload__clear(&workload);
		assert_null(workload.unit);
	}
}

static void any_path_at_all(void **state)
{
	static const char *const pieces[] = {"/", "docker", ID, "-", ".scope", ".slice", "kubepods",
		"pod", UID, "lxc", "machine", "\\x2d", "@", ":", "ecs", "user@1.service",
		"init.scope", "_", ".", "\xff"};
	unsigned int seed = 1;
	(void)state;

	for (int round = 0; round < 5000; round++) {
		char path[4096] = "";
		struct workload workload;

		for (int i = rand_r(&seed) % 30; i > 0; i--)
			strcat(path, pieces[rand_r(&seed) % ARRAY_SIZE(pieces)]);
		assert_int_equal(workload__find(&workload, path, root), 0);
		workload__clear(&workload);
	}
}

/* --- What files add ------------------------------------------------------------------------ */

#define DOCKER "/var/lib/docker/containers/" ID "/config.v2.json"
#define POD    "/kubepods/burstable/pod" UID "/" ID
#define USERS  "/user.slice/user-1000.slice/user@1000.service/"

static const struct {
	const char *name, *cgroup;
	const char *path, *content;
	const char *runtime, *container, *pod, *namespace, *image;
} files[] = {
	{"docker's image", "/docker/" ID, DOCKER,
		"{\"Name\":\"/orders\",\"Config\":{\"Image\":\"shop/orders:1.2\",\"Labels\":{}}}",
		.runtime = "docker", .container = "orders", .image = "shop/orders:1.2"},
	{"an image that is no text", "/docker/" ID, DOCKER,
		"{\"Name\":\"/orders\",\"Config\":{\"Image\":7}}", .runtime = "docker",
		.container = "orders"},
	{"containerd's image", "/kubepods/" ID,
		"/run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID "/config.json",
		"{\"annotations\":{\"io.kubernetes.cri.image-name\":\"docker.io/shop/etl:1\"}}",
		.runtime = "containerd", .image = "docker.io/shop/etl:1"},
	{"CRI-O's image", "/crio-" ID ".scope",
		"/run/containers/storage/overlay-containers/" ID "/userdata/config.json",
		"{\"annotations\":{\"io.kubernetes.cri-o.ImageName\":\"quay.io/shop/etl:1\"}}",
		.runtime = "cri-o", .image = "quay.io/shop/etl:1"},
	{"podman's image", "/machine.slice/libpod-" ID ".scope",
		"/var/lib/containers/storage/overlay-containers/volatile-containers.json",
		"[{\"id\":\"" ID "\",\"names\":[\"loving_bell\"],\"metadata\":"
		"\"{\\\"image-name\\\":\\\"docker.io/library/alpine:3\\\"}\"}]",
		.runtime = "podman", .container = "loving_bell",
		.image = "docker.io/library/alpine:3"},
	{"podman's metadata that are no JSON", "/machine.slice/libpod-" ID ".scope",
		"/var/lib/containers/storage/overlay-containers/containers.json",
		"[{\"id\":\"" ID "\",\"names\":[\"web\"],\"metadata\":\"{\"}]", .runtime = "podman",
		.container = "web"},
	{"docker", "/docker/" ID, DOCKER, "{\"Name\":\"/orders\",\"Config\":{\"Labels\":{}}}",
		.runtime = "docker", .container = "orders"},
	{"docker without labels", "/docker/" ID, DOCKER, "{\"Name\":\"/orders\"}",
		.runtime = "docker", .container = "orders"},
	{"docker of a custom parent", "/team/" ID, DOCKER, "{\"Name\":\"/orders\"}",
		.runtime = "docker", .container = "orders"},
	{"ECS", "/ecs/" TASK "/" ID, DOCKER,
		"{\"Name\":\"/"
		"ecs-x-1-y\",\"Config\":{\"Labels\":{\"com.amazonaws.ecs.container-name\":\"y\"}}}",
		.runtime = "ecs", .container = "y"},
	{"ECS with its task's family", "/ecs/" TASK "/" ID, DOCKER,
		"{\"Name\":\"/ecs-shop-7-web\",\"Config\":{\"Labels\":{"
		"\"com.amazonaws.ecs.container-name\":\"web\","
		"\"com.amazonaws.ecs.task-definition-family\":\"shop\"}}}",
		.runtime = "ecs", .container = "shop/web"},
	{"ECS' labels on another container", "/docker/" ID, DOCKER,
		"{\"Name\":\"/a\",\"Config\":{\"Labels\":{"
		"\"com.amazonaws.ecs.task-definition-family\":\"shop\"}}}",
		.runtime = "docker", .container = "a"},
	{"Kubernetes on docker", POD, DOCKER,
		"{\"Name\":\"/k8s_app_web-0_prod_x_0\",\"Config\":{\"Labels\":{"
		"\"io.kubernetes.container.name\":\"app\",\"io.kubernetes.pod.name\":\"web-0\","
		"\"io.kubernetes.pod.namespace\":\"prod\"}}}",
		.runtime = "docker", .container = "app", .pod = "web-0", .namespace = "prod"},
	{"a label makes no pod", "/docker/" ID, DOCKER,
		"{\"Name\":\"/a\",\"Config\":{\"Labels\":{\"io.kubernetes.pod.name\":\"web-0\"}}}",
		.runtime = "docker", .container = "a"},
	{"Kubernetes' log", POD, "/var/log/containers/web-0_prod_my-app-" ID ".log", "",
		.runtime = "containerd", .container = "my-app", .pod = "web-0",
		.namespace = "prod"},
	{"a log of another container", POD, "/var/log/containers/web-0_prod_app-" OTHER ".log", "",
		.runtime = "containerd"},
	{"a log without its parts", POD, "/var/log/containers/web-" ID ".log", "",
		.runtime = "containerd"},
	{"a pod's log directory", POD, "/var/log/pods/prod_web-0_" UID "/app/0.log", "",
		.runtime = "containerd", .pod = "web-0", .namespace = "prod"},
	{"containerd's annotations", POD,
		"/run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID "/config.json",
		"{\"annotations\":{\"io.kubernetes.cri.container-name\":\"app\","
		"\"io.kubernetes.cri.sandbox-name\":\"web-0\",\"io.kubernetes.cri.sandbox-"
		"namespace\":\"prod\"}}",
		.runtime = "containerd", .container = "app", .pod = "web-0", .namespace = "prod"},
	{"nerdctl's annotations", "/default/" ID,
		"/run/containerd/io.containerd.runtime.v2.task/default/" ID "/config.json",
		"{\"annotations\":{\"nerdctl/name\":\"web\"}}", .runtime = "containerd",
		.container = "web"},
	{"podman", "/machine.slice/libpod-" ID ".scope",
		"/var/lib/containers/storage/overlay-containers/containers.json",
		"[{\"id\":\"" OTHER "\",\"names\":[\"db\"]},{\"id\":\"" ID
		"\",\"names\":[\"web\"]}]",
		.runtime = "podman", .container = "web"},
	{"podman --rm", "/machine.slice/libpod-" ID ".scope",
		"/var/lib/containers/storage/overlay-containers/volatile-containers.json",
		"[{\"id\":\"" ID "\",\"names\":[\"web\"]}]", .runtime = "podman",
		.container = "web"},
	{"podman without that container", "/machine.slice/libpod-" ID ".scope",
		"/var/lib/containers/storage/overlay-containers/containers.json",
		"[{\"id\":\"" OTHER "\"}]", .runtime = "podman"},
	/* cgroups that a user has made, under the name of another's container */
	{"a user's imitation of docker's", USERS "docker-" ID ".scope", DOCKER,
		"{\"Name\":\"/orders\"}", .runtime = "docker"},
	{"of a bare id", USERS ID, DOCKER, "{\"Name\":\"/orders\"}", .runtime = "containerd"},
	{"of podman's", USERS "libpod-" ID ".scope",
		"/var/lib/containers/storage/overlay-containers/containers.json",
		"[{\"id\":\"" ID "\",\"names\":[\"web\"]}]", .runtime = "podman"},
	{"of a pod's", USERS POD, "/var/log/containers/web_shop_app-" ID ".log", "",
		.runtime = "containerd"},
	{"of another user's", USERS "user-0.slice/libpod-" ID ".scope",
		"/home/root/.local/share/containers/storage/overlay-containers/containers.json",
		"[{\"id\":\"" ID "\",\"names\":[\"web\"]}]", .runtime = "podman"},
	/* what nobody should find there */
	{"no JSON", "/docker/" ID, DOCKER, "{\"Name\":", .runtime = "docker"},
	{"other types", "/docker/" ID, DOCKER, "{\"Name\":{\"a\":1},\"Config\":[{\"Labels\":7}]}",
		.runtime = "docker"},
	{"an array", "/docker/" ID, DOCKER, "[1,2,3]", .runtime = "docker"},
	{"an empty name", "/docker/" ID, DOCKER, "{\"Name\":\"/\"}", .runtime = "docker"},
	{"an empty file", "/docker/" ID, DOCKER, "", .runtime = "docker"},
	{"podman's list is an object", "/libpod-" ID,
		"/var/lib/containers/storage/overlay-containers/containers.json", "{\"id\":[]}",
		.runtime = "podman"},
	{"podman's entries are numbers", "/libpod-" ID,
		"/var/lib/containers/storage/overlay-containers/containers.json",
		"[1,null,{\"id\":\"" ID "\",\"names\":{}}]", .runtime = "podman"},
};

static void files_name_containers_and_pods(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct workload workload;

		print_message("  %s\n", files[i].name);
		put(files[i].path, files[i].content);
		assert_int_equal(workload__find(&workload, files[i].cgroup, root), 0);
		assert_text("runtime", workload.container.runtime, files[i].runtime);
		assert_text("container", workload.container.name, files[i].container);
		assert_text("pod", workload.pod.name, files[i].pod);
		assert_text("namespace", workload.pod.namespace, files[i].namespace);
		assert_text("image", workload.container.image, files[i].image);
		workload__clear(&workload);
		assert_int_equal(empty_root(state), 0);
	}
}

static const char *podman_of(uid_t uid, struct workload *workload)
{
	char cgroup[256];

	snprintf(cgroup, sizeof(cgroup),
		"/user.slice/user-%u.slice/user@%u.service/user.slice/libpod-" ID ".scope",
		(unsigned int)uid, (unsigned int)uid);
	assert_int_equal(workload__find(workload, cgroup, root), 0);
	return workload->container.name;
}

static void podman_of_a_user_looks_in_that_users_home(void **state)
{
	struct workload workload;
	(void)state;

	put("/home/ann/.local/share/containers/storage/overlay-containers/containers.json",
		"[{\"id\":\"" ID "\",\"names\":[\"web\"]}]");
	assert_string_equal(podman_of(geteuid(), &workload), "web");
	workload__clear(&workload);
	assert_null(podman_of(geteuid() + 1, &workload));
	workload__clear(&workload);
}

static void assert_nameless(void)
{
	struct workload workload;

	assert_int_equal(workload__find(&workload, "/docker/" ID, root), 0);
	assert_string_equal(workload.container.id, ID);
	assert_null(workload.container.name);
	workload__clear(&workload);
}

static void hostile_files_do_no_harm(void **state)
{
	char path[2 * PATH_MAX], *deep;
	(void)state;

	put(DOCKER, "");
	snprintf(path, sizeof(path), "%s" DOCKER, root);
	print_message("  a FIFO that nobody writes to\n");
	unlink(path);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_nameless();
	print_message("  a link to itself\n");
	unlink(path);
	assert_int_equal(symlink(path, path), 0);
	assert_nameless();
	print_message("  a file without an end\n");
	unlink(path);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_nameless();
	print_message("  a directory\n");
	unlink(path);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_nameless();
	rmdir(path);
	print_message("  a huge file\n");
	put(DOCKER, "{\"Name\":\"/orders\"}");
	assert_int_equal(truncate(path, 1LL << 40), 0);
	assert_nameless();
	print_message("  half a million brackets\n");
	deep = calloc(1, 500001);
	memset(deep, '[', 500000);
	put(DOCKER, deep);
	free(deep);
	assert_nameless();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_names_the_workload),
		cmocka_unit_test(any_path_at_all),
		cmocka_unit_test(files_name_containers_and_pods),
		cmocka_unit_test_teardown(podman_of_a_user_looks_in_that_users_home, empty_root),
		cmocka_unit_test_teardown(hostile_files_do_no_harm, empty_root),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
