/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The demo: a stage is a process with a private network, an IMDS and clients in it. Two are traced,
 * since what befalls a token's answer on its way is a matter of the network, not of the client.
 * Then one more is rehearsed. The tracer stays outside, in the machine's own namespaces, as it does
 * on an instance.
 */
#include "cmd/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "lib/complain.h"
#include "demo/demo_clients.h"
#include "lib/exit_status.h"
#include "demo/imds.h"
#include "demo/netns.h"
#include "lib/scope.h"
#include "process/process_scope.h"
#include "trace/trace.h"
#include "cmd/usage.h"

#define STAGES      2 /* that are traced */
#define CLIENTS_MAX 8

#define REHEARSAL_MAX (60 * NSEC_PER_SEC) /* it ends when its clients have */

struct stage {
	enum demo_stage clients;
	bool drops_puts;
	pid_t pid;   /* 0: not running */
	int control; /* the stage says that it is ready, and hears when to begin */
	bool failed;
};

struct demo {
	struct stage stages[STAGES];
};

/* Where a private tmpfs may hide what is there, in the order of how natural a program looks there.
 */
static const char *const client_directories[] = {"/opt", "/srv", "/mnt", "/tmp", "/run"};

static const char *directory__find(void)
{
	struct stat file;

	for (size_t i = 0; i < ARRAY_SIZE(client_directories); i++)
		if (!stat(client_directories[i], &file) && S_ISDIR(file.st_mode))
			return client_directories[i];
	return NULL;
}

/*
 * What a chroot that is no mount point lacks: a private root. A mount must not hang below one that
 * is shared with the machine, and /proc is the one that is sure to be in reach and can be made
 * private.
 */
static int root__make_mount_point(void)
{
	if (mount(NULL, "/proc", NULL, MS_PRIVATE, NULL) ||
		mount("imdstrace", "/proc", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") ||
		mkdir("/proc/root", 0755) ||
		mount("/", "/proc/root", NULL, MS_BIND | MS_REC, NULL) ||
		mount(NULL, "/proc/root", NULL, MS_REC | MS_PRIVATE, NULL) ||
		chroot("/proc/root") || chdir("/") || umount2("/proc", MNT_DETACH))
		return -errno;
	return 0;
}

/* From here on nothing that is mounted is seen by others. 0 or -errno. */
static int mounts__make_private(void)
{
	if (unshare(CLONE_NEWNS))
		return -errno;
	if (!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 0;
	return errno == EINVAL ? root__make_mount_point() : -errno;
}

/* A tmpfs that only this process and its children see, and that is gone with them. */
static int directory__hide(const char *path)
{
	int error;

	if (!path)
		return complain_errno(
			ENOENT, "there is no /opt, /mnt or /tmp for the demo's clients");
	error = mounts__make_private();
	if (!error && mount("imdstrace", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"))
		error = -errno;
	if (error)
		return complain_errno(-error, "cannot make a private %s for the demo's clients: %s",
			path, strerror(-error));
	return 0;
}

static int file__copy_self(const char *path)
{
	_close_ int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	_close_ int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	ssize_t copied;

	if (from < 0 || to < 0)
		return -errno;
	do
		copied = sendfile(to, from, NULL, 1 << 20);
	while (copied > 0);
	return copied < 0 ? -errno : 0;
}

/* This program under each client's name: the tracer is to find an executable that is called so. */
static int clients__install(const char *directory)
{
	char first[64], path[64];
	int error;

	snprintf(first, sizeof(first), "%s/%s", directory, demo_clients[0].name);
	error = file__copy_self(first);
	for (const struct demo_client *client = demo_clients + 1; !error && client->name;
		client++) {
		snprintf(path, sizeof(path), "%s/%s", directory, client->name);
		error = link(first, path) ? -errno : 0;
	}
	if (error)
		return complain_errno(-error, "cannot copy the demo's clients to %s: %s", directory,
			strerror(-error));
	return 0;
}

/* In a new process: ends with its parent. */
static void child__bind(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_DONE);
}

static pid_t client__start(const struct demo_client *client, const char *directory)
{
	char path[64], command[] = "demo-client", name[16];
	char *const arguments[] = {name, command, name, NULL};
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	child__bind(parent);
	snprintf(name, sizeof(name), "%s", client->name);
	snprintf(path, sizeof(path), "%s/%s", directory, client->name);
	execv(path, arguments);
	complain("cannot run %s: %s", path, strerror(errno));
	_exit(EXIT_UNTRACEABLE);
}

/* Starts the stage's clients and waits for all of them. 0, or -ECHILD when one of them failed. */
static int clients__run(const struct stage *stage, const char *directory)
{
	pid_t pids[CLIENTS_MAX];
	unsigned int count = 0;
	int status, error = 0;

	for (const struct demo_client *client = demo_clients; client->name; client++)
		if (client->stages & stage->clients && count < CLIENTS_MAX)
			pids[count++] = client__start(client, directory);
	while (count--)
		if (pids[count] < 0 || waitpid(pids[count], &status, 0) < 0 || status)
			error = -ECHILD;
	return error;
}

static int stage__prepare(const struct stage *stage, const char *directory, pid_t *imds)
{
	struct endpoint_addresses held = {0};
	int error = netns__enter_private(&held);

	if (!error)
		error = directory__hide(directory);
	if (!error)
		error = clients__install(directory);
	if (!error)
		error = imds__start(
			&(struct imds_options){.addresses = held, .drops_puts = stage->drops_puts},
			imds);
	return error;
}

static int stage__perform(const struct stage *stage)
{
	const char *directory = directory__find();
	char word = 'r';
	pid_t imds;
	int error;

	if (stage__prepare(stage, directory, &imds))
		return EXIT_UNTRACEABLE;
	if (write(stage->control, &word, 1) != 1 || read(stage->control, &word, 1) != 1)
		return EXIT_DONE; /* the trace could not begin */
	error = clients__run(stage, directory);
	imds__stop(imds);
	return error ? EXIT_UNTRACEABLE : EXIT_DONE;
}

/* Forks the stage and waits until its service listens. 0 or -errno after a sentence. */
static int stage__start(struct stage *stage)
{
	pid_t parent = getpid();
	int ends[2];
	char word;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return complain_errno(errno, "cannot start the demo: %s", strerror(errno));
	stage->pid = fork();
	if (!stage->pid) {
		child__bind(parent);
		close(ends[0]);
		stage->control = ends[1];
		_exit(stage__perform(stage));
	}
	close(ends[1]);
	stage->control = ends[0];
	if (stage->pid < 0) {
		stage->pid = 0;
		return complain_errno(errno, "cannot start the demo: %s", strerror(errno));
	}
	return read(stage->control, &word, 1) == 1 ? 0 : -ECHILD;
}

/* Whether it has ended, by itself or because it was told to. */
static bool stage__ended(struct stage *stage, int wait_options)
{
	int status;

	if (!stage->pid)
		return true;
	if (waitpid(stage->pid, &status, wait_options) != stage->pid)
		return false;
	stage->pid = 0;
	stage->failed = WIFEXITED(status) && WEXITSTATUS(status);
	return true;
}

static void stage__stop(struct stage *stage)
{
	if (stage->pid)
		kill(stage->pid, SIGTERM); /* its children go with it */
	stage__ended(stage, 0);
	if (stage->control >= 0)
		close(stage->control);
}

static int stage__begin(void *context)
{
	struct stage *stage = context;

	if (send(stage->control, "b", 1, MSG_NOSIGNAL) == 1)
		return 0;
	complain("the demo's private network is gone");
	return EXIT_UNTRACEABLE;
}

static bool stage__finished(void *context)
{
	return stage__ended(context, WNOHANG);
}

static int demo__begin(void *context)
{
	struct demo *demo = context;
	int status = 0;

	for (int i = 0; i < STAGES && !status; i++)
		status = stage__begin(&demo->stages[i]);
	return status;
}

static bool demo__finished(void *context)
{
	struct demo *demo = context;
	bool finished = true;

	for (int i = 0; i < STAGES; i++)
		finished &= stage__finished(&demo->stages[i]);
	return finished;
}

static int stage__judge(const struct stage *stage)
{
	if (!stage->failed)
		return EXIT_DONE;
	complain("a client of the demo failed, so this is not all of it");
	return EXIT_UNTRACEABLE;
}

static int demo__run(bool json)
{
	struct demo demo = {
		.stages = {{.clients = DEMO_OPEN, .control = -1},
			{.clients = DEMO_TOKEN_LOST, .drops_puts = true, .control = -1}}};
	struct trace_options options = {.json = json,
		.all = json,
		.attached = demo__begin,
		.finished = demo__finished,
		.context = &demo};
	int status = EXIT_DONE;

	for (int i = 0; i < STAGES && status == EXIT_DONE; i++)
		if (stage__start(&demo.stages[i]))
			status = EXIT_UNTRACEABLE;
	if (status == EXIT_DONE)
		status = trace__run(&options);
	for (int i = 0; i < STAGES; i++)
		stage__stop(&demo.stages[i]);
	for (int i = 0; i < STAGES && status == EXIT_DONE; i++)
		status = stage__judge(&demo.stages[i]);
	return status;
}

/* A rehearsal of what lives in stage. Its verdict is no failure, nor is a machine that can be
 * traced and cannot rehearse, of which a sentence was said. */
static int stage__rehearse(struct stage *stage, bool json)
{
	struct process_scope scope = {0};
	struct trace_options options = {.json = json,
		.all = json,
		.rehearse = &scope,
		.duration = REHEARSAL_MAX,
		.attached = stage__begin,
		.finished = stage__finished,
		.context = stage};
	_free_ char *why = NULL;
	char pid[16];
	int status;

	snprintf(pid, sizeof(pid), "%d", (int)stage->pid);
	if (process_scope__resolve(&scope, SCOPE_PID, pid, "", &why)) {
		complain("no rehearsal can be shown: %s", why ? why : "out of memory");
		return EXIT_DONE;
	}
	status = trace__run(&options);
	process_scope__clear(&scope);
	return status == EXIT_USAGE ? status : EXIT_DONE;
}

static int demo__rehearse(bool json)
{
	struct stage stage = {.clients = DEMO_REHEARSAL, .control = -1};
	int status = stage__start(&stage) ? EXIT_UNTRACEABLE : stage__rehearse(&stage, json);

	stage__stop(&stage);
	return status == EXIT_DONE ? stage__judge(&stage) : status;
}

static void interlude(FILE *out)
{
	fputs("\nWould they survive the switch? Two clients are rehearsed: the metadata service refuses\n"
	      "their calls without a token, as it will then, and nobody else's:\n\n",
		out);
	for (const struct demo_client *client = demo_clients; client->name; client++)
		if (client->stages & DEMO_REHEARSAL)
			fprintf(out, "  %-15s %s\n", client->name, client->story);
	fputs("\n", out);
	fflush(out);
}

static void prologue(FILE *out)
{
	fputs("This is a demo: it needs no EC2 and no internet, and nothing leaves this machine.\n"
	      "Two private networks are made, each with a metadata service of its own. Four clients\n"
	      "call them and are traced for real, as on an instance:\n\n",
		out);
	for (const struct demo_client *client = demo_clients; client->name; client++)
		if (client->stages != DEMO_REHEARSAL)
			fprintf(out, "  %-15s %s\n", client->name, client->story);
	fputs("\nOnly calls that the switch to IMDSv2 would break are shown while they are made; the\n"
	      "report at the end names every caller.\n\n",
		out);
	fflush(out);
}

static void epilogue(FILE *out)
{
	fputs("\nOn an instance, watch for a day at least, then read the report and ask for the verdict; and\n"
	      "rehearse each service that it names:\n\n"
	      "  sudo imdstrace trace --duration 24h --output imds.json\n"
	      "  sudo imdstrace report imds.json\n"
	      "  sudo imdstrace check imds.json\n"
	      "  sudo imdstrace rehearse --unit NAME -d 10m\n",
		out);
}

static const struct option long_options[] = {
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char help[] =
	"Usage: imdstrace demo [OPTION...]\n"
	"\n"
	"Makes private networks with a metadata service of their own, runs v1, v2,\n"
	"fallback and foreign clients in them for a few seconds, traces them for real and\n"
	"prints the report. Then the switch is rehearsed for two of them: one breaks, one\n"
	"goes on with a token. Needs root, and neither EC2 nor the internet. Nothing\n"
	"leaves this machine.\n"
	"\n"
	"Options:\n"
	"      --json  Print each request as a line of JSON in place of the report\n"
	"  -h, --help  Show this\n";

int cmd_demo(int argc, char **argv)
{
	bool json = false;
	int option, status;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		switch (option) {
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_DONE;
		default:
			return usage__refuse_option(option, argv);
		}
	}
	if (optind < argc) {
		complain("demo takes no argument \"%s\"; see imdstrace demo --help", argv[optind]);
		return EXIT_USAGE;
	}
	/* Where it is ignored, nobody is told how a child ended, nor that it did. */
	signal(SIGCHLD, SIG_DFL);
	prologue(json ? stderr : stdout);
	status = demo__run(json);
	if (status == EXIT_DONE) {
		interlude(json ? stderr : stdout);
		status = demo__rehearse(json);
	}
	if (status == EXIT_DONE)
		epilogue(json ? stderr : stdout);
	return status;
}
