/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the bare network gives, measured from home against the services of a bench node (net/bench.c):
 * the yardstick of forwarded calls and of moves.
 *
 *	tcp ask HOST PORT REQUEST ANSWER COUNT	us of one round trip, the mean of COUNT (ASK_PORT)
 *	tcp ping HOST PORT BYTES COUNT		the same, with the echo service
 *	tcp sink HOST PORT SECONDS		MB/s to the node (MB: 10^6 bytes)
 *	tcp source HOST PORT SECONDS		MB/s from the node
 *
 * Prints one number; exits with 1 and a message if the node does not play.
 */
#include <err.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define CHUNK (256 * 1024)
#define WARM_ROUNDS 20

static char buffer[CHUNK];

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static int connect_to(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	/* A silent node ends the benchmark, it does not hang it. */
	const struct timeval patience = { .tv_sec = 10 };
	struct addrinfo *ai;
	int fd, one = 1, rc = getaddrinfo(host, port, &hints, &ai);

	if (rc)
		errx(1, "%s:%s: %s", host, port, gai_strerror(rc));
	fd = socket(ai->ai_family, ai->ai_socktype, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
	    connect(fd, ai->ai_addr, ai->ai_addrlen))
		err(1, "%s:%s", host, port);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	freeaddrinfo(ai);
	return fd;
}

static void exchange(int fd, size_t out, size_t in)
{
	if (send(fd, buffer, out, MSG_NOSIGNAL) != (ssize_t)out)
		err(1, "send");
	while (in) {
		ssize_t n = recv(fd, buffer + CHUNK / 2, in, 0);

		if (n <= 0)
			err(1, n ? "recv" : "the node closed the connection");
		in -= n;
	}
}

static double round_trips(int fd, size_t out, size_t in, unsigned count)
{
	double start;

	for (unsigned i = 0; i < WARM_ROUNDS; i++)
		exchange(fd, out, in);
	start = now();
	for (unsigned i = 0; i < count; i++)
		exchange(fd, out, in);
	return (now() - start) * 1e6 / count;
}

/* Counts until the node has closed its end too: then it has taken everything. */
static double rate_out(int fd, double seconds)
{
	double start = now(), bytes = 0;

	do {
		ssize_t n = send(fd, buffer, CHUNK, MSG_NOSIGNAL);

		if (n < 0)
			err(1, "send");
		bytes += n;
	} while (now() - start < seconds);
	shutdown(fd, SHUT_WR);
	if (recv(fd, buffer, 1, 0) < 0)
		err(1, "recv");
	return bytes / (now() - start) / 1e6;
}

static double rate_in(int fd, double seconds)
{
	double start = 0, bytes = 0;

	do {
		ssize_t n = recv(fd, buffer, CHUNK, 0);

		if (n <= 0)
			err(1, n ? "recv" : "the node closed the connection");
		/* The clock starts with the first bytes: connecting is no part of the rate. */
		if (start == 0)
			start = now();
		else
			bytes += n;
	} while (now() - start < seconds);
	return bytes / (now() - start) / 1e6;
}

static size_t bytes_arg(const char *text, size_t min)
{
	size_t n = strtoul(text, NULL, 10);

	if (n < min || n > CHUNK / 2)
		errx(2, "%s: must be %zu to %d bytes", text, min, CHUNK / 2);
	return n;
}

int main(int argc, char **argv)
{
	int fd;

	if (argc < 5)
		errx(2, "usage: ask|ping|sink|source HOST PORT ...");
	fd = connect_to(argv[2], argv[3]);
	if (!strcmp(argv[1], "ask") && argc == 7) {
		uint32_t ask[2] = { bytes_arg(argv[4], sizeof(ask)), bytes_arg(argv[5], 1) };

		memcpy(buffer, ask, sizeof(ask));
		printf("%.2f\n", round_trips(fd, ask[0], ask[1], atoi(argv[6])));
	} else if (!strcmp(argv[1], "ping") && argc == 6) {
		size_t bytes = bytes_arg(argv[4], 1);

		printf("%.2f\n", round_trips(fd, bytes, bytes, atoi(argv[5])));
	} else if (!strcmp(argv[1], "sink")) {
		printf("%.2f\n", rate_out(fd, atof(argv[4])));
	} else if (!strcmp(argv[1], "source")) {
		printf("%.2f\n", rate_in(fd, atof(argv[4])));
	} else {
		errx(2, "%s: wrong name or number of arguments", argv[1]);
	}
	return 0;
}
