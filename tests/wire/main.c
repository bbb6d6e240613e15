/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The traffic program's options, and nothing else. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/complain.h"
#include "wire.h"

#define RANDOM_COUNT     1000
#define RANDOM_COUNT_MAX 200000

static const char help[] =
	"Usage: wire --list\n"
	"       wire --run NAME|all [--except NAME,...] --out FILE [--hold]\n"
	"       wire --random SEED [--count N] --out FILE\n"
	"       wire --compare EVENTS FILE\n"
	"       wire --rehearsed BEFORE DURING\n"
	"       wire --calls N [--blocked N] [--spinning N]    (inside --serve)\n"
	"       wire --crowd N [--hold]    (inside --serve)\n"
	"       wire --endless N    (inside --serve)\n"
	"       wire --swarm N    (inside --serve)\n"
	"       wire --family N    (inside --serve)\n"
	"       wire --inject SOURCE [--device NAME]    (in a virtual machine)\n"
	"       wire --stress in|out --state FILE    (inside --serve)\n"
	"       wire --hog MEGABYTES\n"
	"       wire --soak SECONDS [--rate N]    (inside --serve)\n"
	"       wire [--received FILE] --serve MODE[,STYLE] COMMAND [ARGUMENT...]\n"
	"\n"
	"Sends requests in every way to a metadata service of its own, in a private network, and\n"
	"writes down what a tracer must have shown. Needs root.\n"
	"\n"
	"  --list     The names of the cases\n"
	"  --run      Runs one case, or all of them\n"
	"  --out      Gets what is expected, a line of JSON for each case\n"
	"  --received Gets what the service received, for whoever looks into a failure\n"
	"  --hold     Connects first, says \"connected\", and sends after a line on standard "
	"input\n"
	"  --bytes    Gets each byte that the service received, by connection\n"
	"  --rehearsed\n"
	"             Holds the bytes of a run beside a rehearsal of all to those of one without:\n"
	"             the same, and a rehearsal's line in each head that is v1\n"
	"  --random   Makes up requests, ways and cuts; the same for the same seed\n"
	"  --count    How many requests that may be; 1000 if it is not said\n"
	"  --compare  Holds EVENTS, as from imdstrace trace --all --json, to what FILE expects\n"
	"  --serve    Runs COMMAND beside a service: optional, required, silent, put-dropped,\n"
	"             put-refused, closed or reset; length, chunked, close or pieces\n"
	"  --calls    Sends that many requests, half of them from processes that end at once\n"
	"  --crowd    Opens that many connections and resets each at once; with --hold, keeps as\n"
	"             many of them as it may until a line on standard input\n"
	"  --endless  Sends that many heads that do not end, and waits for a line\n"
	"  --swarm    A call by each of so many processes, every one another program, linked into\n"
	"             the current directory\n"
	"  --family   After a line, so many children that live, and one more that calls; waits\n"
	"             for another line\n"
	"  --inject   Sends a request in packets made up here, from that address, through a raw\n"
	"             socket or as frames of a device\n"
	"  --blocked, --spinning\n"
	"             Beside so many threads that are blocked in a send to elsewhere, or that\n"
	"             send there without a pause\n"
	"  --stress   Threads that share connections, in or out of a rehearsal's scope, until FILE\n"
	"             says \"end\"; judges their answers while it says \"on N\" or \"off N\"\n"
	"  --hog      Takes so much memory and gives it back, again and again\n"
	"  --soak     Calls of every class for so long, over connections that are opened, kept,\n"
	"             closed and reset at random; prints how many of each\n"
	"  --rate     How many a second that is; 1000 if it is not said\n"
	"\n"
	"Exit status: 0 all is well; 1 something failed; 2 wrong usage.\n";

static const struct option long_options[] = {
	{"list", no_argument, NULL, 'l'},
	{"run", required_argument, NULL, 'r'},
	{"out", required_argument, NULL, 'o'},
	{"received", required_argument, NULL, 'v'},
	{"except", required_argument, NULL, 'X'},
	{"bytes", required_argument, NULL, 'b'},
	{"rehearsed", no_argument, NULL, 'E'},
	{"hold", no_argument, NULL, 'H'},
	{"random", required_argument, NULL, 'R'},
	{"count", required_argument, NULL, 'n'},
	{"compare", no_argument, NULL, 'c'},
	{"serve", required_argument, NULL, 's'},
	{"send-on", required_argument, NULL, 'S'},
	{"calls", required_argument, NULL, 'C'},
	{"blocked", required_argument, NULL, 'B'},
	{"spinning", required_argument, NULL, 'P'},
	{"crowd", required_argument, NULL, 'W'},
	{"endless", required_argument, NULL, 'L'},
	{"swarm", required_argument, NULL, 'M'},
	{"family", required_argument, NULL, 'F'},
	{"inject", required_argument, NULL, 'I'},
	{"device", required_argument, NULL, 'D'},
	{"stress", required_argument, NULL, 'T'},
	{"state", required_argument, NULL, 'A'},
	{"hog", required_argument, NULL, 'O'},
	{"soak", required_argument, NULL, 'K'},
	{"rate", required_argument, NULL, 'Z'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int list(void)
{
	for (size_t table = 0; wire_cases[table]; table++)
		for (const struct wire_case *each = wire_cases[table]; each->name; each++)
			puts(each->name);
	return 0;
}

static int usage(const char *what)
{
	complain("%s; see wire --help", what);
	return 2;
}

/* 0, or -EINVAL for what is no number up to limit. */
static int number__parse(const char *text, uint64_t limit, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 0);
	return errno || end == text || *end || *number > limit ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
	struct run_options options = {.count = RANDOM_COUNT};
	const char *serve = NULL, *send_on = NULL, *source = NULL, *device = NULL;
	const char *stress = NULL, *state = NULL;
	bool random = false, compare = false, rehearsed = false;
	struct load_options load = {0};
	unsigned int crowd = 0, endless = 0, swarm = 0, family = 0;
	uint64_t count, hog = 0, soak = 0, rate = SOAK_RATE;
	int option;

	while ((option = getopt_long(argc, argv, "+h", long_options, NULL)) != -1) {
		switch (option) {
		case 'l':
			return list();
		case 'r':
			options.name = optarg;
			break;
		case 'o':
			options.file = optarg;
			break;
		case 'v':
			options.received = optarg;
			break;
		case 'X':
			options.except = optarg;
			break;
		case 'b':
			options.bytes = optarg;
			break;
		case 'E':
			rehearsed = true;
			break;
		case 'H':
			options.hold = true;
			break;
		case 'R':
			random = true;
			if (number__parse(optarg, UINT64_MAX, &options.seed))
				return usage("the seed is a number");
			break;
		case 'n':
			if (number__parse(optarg, RANDOM_COUNT_MAX, &count) || !count)
				return usage("the count is a number from 1 to 200000");
			options.count = count;
			break;
		case 'c':
			compare = true;
			break;
		case 's':
			serve = optarg;
			break;
		case 'S':
			send_on = optarg;
			break;
		case 'C':
			if (number__parse(optarg, LOAD_CALLS_MAX, &count) || !count)
				return usage("the calls are a number from 1 to 10000");
			load.calls = count;
			break;
		case 'B':
		case 'P':
			if (number__parse(optarg, LOAD_THREADS_MAX, &count))
				return usage("the threads are a number up to 200 of each");
			*(option == 'B' ? &load.blocked : &load.spinning) = count;
			break;
		case 'W':
		case 'L':
		case 'M':
		case 'F':
			if (number__parse(optarg, NEIGHBOURS_MAX, &count) || !count)
				return usage("the neighbours are a number from 1 to 200000");
			*(option == 'W'         ? &crowd
				: option == 'L' ? &endless
				: option == 'M' ? &swarm
						: &family) = count;
			break;
		case 'I':
			source = optarg;
			break;
		case 'D':
			device = optarg;
			break;
		case 'T':
			if (strcmp(optarg, "in") && strcmp(optarg, "out"))
				return usage("the stress is in or out");
			stress = optarg;
			break;
		case 'A':
			state = optarg;
			break;
		case 'O':
			if (number__parse(optarg, HOG_MAX, &hog) || !hog)
				return usage("the megabytes are a number from 1 to 4096");
			break;
		case 'K':
			if (number__parse(optarg, SOAK_SECONDS_MAX, &soak) || !soak)
				return usage("the seconds are a number from 1 to 86400");
			break;
		case 'Z':
			if (number__parse(optarg, SOAK_RATE_MAX, &rate) || !rate)
				return usage("the rate is a number from 1 to 10000");
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 2;
		}
	}
	if (compare && argc - optind == 2)
		return compare__run(argv[optind], argv[optind + 1]);
	if (rehearsed && argc - optind == 2)
		return bytes__compare(argv[optind], argv[optind + 1]);
	if (serve && argc > optind)
		return runner__serve(serve, options.received, argv + optind);
	if (source && argc == optind)
		return inject__run(source, device);
	if (load.calls && argc == optind)
		return load__run(&load);
	if (crowd && argc == optind)
		return neighbours__connect(crowd, options.hold);
	if (endless && argc == optind)
		return neighbours__endless(endless);
	if (swarm && argc == optind)
		return neighbours__swarm(swarm);
	if (family && argc == optind)
		return neighbours__family(family);
	if (stress && state && argc == optind)
		return stress__run(stress, state);
	if (hog && argc == optind)
		return hog__run(hog << 20);
	if (soak && argc == optind)
		return soak__run(rate, soak);
	if (send_on && argc - optind == 1)
		return exec__send(send_on, argv[optind]);
	if (random && options.file && argc == optind)
		return random__run(&options);
	if (options.name && options.file && argc == optind)
		return runner__run(&options);
	return usage("nothing to do, or not enough said");
}
