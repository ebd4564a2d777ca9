// SPDX-License-Identifier: GPL-2.0-or-later
/* pvmem-agent: options, and the loop that keeps a way to the host open. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <pvmem/names.h>
#include "agent.h"

#define PVMEM_STATE_FILE "/run/pvmem-agent.json"

/* How often to look for a host that is not there, in ms: what a host that comes back waits at most. */
#define PVMEM_RETRY_MS 200

/* A way to the host that held for so long had not failed at once, in ms. */
#define PVMEM_CALM_MS 10000

static volatile sig_atomic_t pvmem_ended;

static void pvmem_end(int signal)
{
	pvmem_ended = 1;
}

static long long pvmem_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

/* What can be sent, sent. 0, -EPIPE when no host is there, or -errno. */
static int pvmem_flush(struct pvmem_agent *agent)
{
	struct pvmem_transport *transport = &agent->transport;
	ssize_t len;

	while (agent->out_len) {
		len = transport->ops->write(transport, agent->out, agent->out_len);
		if (len == -EAGAIN)
			return 0;
		if (len < 0)
			return (int)len;
		agent->out_len -= len;
		memmove(agent->out, agent->out + len, agent->out_len);
	}
	return 0;
}

static int pvmem_receive(struct pvmem_agent *agent)
{
	struct pvmem_transport *transport = &agent->transport;
	ssize_t len;
	size_t room;
	char *to;

	for (;;) {
		to = pvmem_lines_room(&agent->lines, &room);
		len = transport->ops->read(transport, to, room);
		if (len == -EAGAIN)
			return 0;
		if (len < 0)
			return (int)len;
		pvmem_lines_filled(&agent->lines, len);
		pvmem_session_take(agent);
	}
}

/* Talks to the host until the transport breaks. -EPIPE is no break: the host is away. */
static int pvmem_talk(struct pvmem_agent *agent)
{
	long long due = pvmem_now_ms(), now;
	bool away = false;
	int err = 0;

	while (!pvmem_ended) {
		struct pollfd poll_fd = {
			.fd = away ? -1 : agent->transport.fd,
			.events = POLLIN | (agent->out_len && agent->transport.ops == &pvmem_virtio ? POLLOUT : 0)
		};

		now = pvmem_now_ms();
		poll(&poll_fd, 1, away ? PVMEM_RETRY_MS : due > now ? (int)(due - now) : 0);
		err = pvmem_receive(agent);
		if (!away && !err && pvmem_now_ms() >= due) {
			pvmem_session_report(agent);
			due = pvmem_now_ms() + agent->report_ms;
		}
		if (!err)
			err = pvmem_flush(agent);
		if (err && err != -EPIPE)
			return err;
		if (err && !away)
			pvmem_session_start(agent);
		away = err;
	}
	return 0;
}

static int pvmem_run(struct pvmem_agent *agent)
{
	struct pvmem_transport *transport = &agent->transport;
	long long begun;
	int err, said = 0;

	while (!pvmem_ended) {
		begun = pvmem_now_ms();
		err = transport->ops->open(transport);
		if (!err) {
			pvmem_session_start(agent);
			pvmem_session_hello(agent);
			err = pvmem_talk(agent);
			transport->ops->close(transport);
		}
		/* What happens again at once has been said: a way that opens and breaks, over and over, as well. */
		if (err && (err != said || pvmem_now_ms() - begun > PVMEM_CALM_MS))
			fprintf(stderr, "pvmem-agent: %s: %s; trying again\n", transport->ops->name, strerror(-err));
		said = err;
		poll(NULL, 0, PVMEM_RETRY_MS);
	}
	return 0;
}

static void pvmem_usage(FILE *to)
{
	fprintf(to, "usage: pvmem-agent [--transport auto|virtio|xenstore] [--state FILE] [--version]\n\n"
		    "Tells the host what pvmem and zswap do in this guest, and applies what it asks.\n"
		    "  --transport  the way to the host (auto: xenstore in a Xen domain, else virtio)\n"
		    "  --state      where values from before the first change are kept (" PVMEM_STATE_FILE ")\n");
}

static const struct pvmem_transport_ops *pvmem_transport_named(const char *name)
{
	if (!strcmp(name, "auto"))
		return access("/proc/xen/capabilities", F_OK) && access("/dev/xen/xenbus", F_OK) ? &pvmem_virtio
												 : &pvmem_xenstore;
	if (!strcmp(name, "virtio"))
		return &pvmem_virtio;
	return strcmp(name, "xenstore") ? NULL : &pvmem_xenstore;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "transport", required_argument, NULL, 't' },
		{ "state", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	static struct pvmem_agent agent = { .root = "", .state_file = PVMEM_STATE_FILE };
	struct sigaction end = { .sa_handler = pvmem_end };
	const char *transport = "auto";
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 't') {
			transport = optarg;
		} else if (option == 's') {
			agent.state_file = optarg;
		} else if (option == 'V') {
			puts("pvmem-agent " PVMEM_VERSION);
			return 0;
		} else {
			pvmem_usage(option == 'h' ? stdout : stderr);
			return option == 'h' ? 0 : 2;
		}
	}
	agent.transport.ops = pvmem_transport_named(transport);
	if (optind < argc || !agent.transport.ops) {
		fprintf(stderr, "pvmem-agent: '%s' is not allowed: see --help\n",
			optind < argc ? argv[optind] : transport);
		return 2;
	}
	umask(077);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	signal(SIGPIPE, SIG_IGN);
	pvmem_initial_load(&agent);
	return pvmem_run(&agent);
}
