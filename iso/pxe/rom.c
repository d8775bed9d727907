/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network ROM's services: its entry, the packets it keeps, TFTP. */
#include "iso/pxe/pxe.h"

enum pxe_function {
	UNDI_SHUTDOWN = 0x05,
	STOP_UNDI = 0x15,
	TFTP_OPEN = 0x20,
	TFTP_CLOSE = 0x21,
	TFTP_READ = 0x22,
	UNLOAD_STACK = 0x70,
	GET_CACHED_INFO = 0x71,
};

enum { PACKET_DHCP_ACK = 2, PACKET_REPLY = 3 };

#define STATUS_NO_FILE 0x3b
#define BLOCK_SIZE     1408 /* fits in one frame with all headers */
#define TFTP_PORT      69
#define TRIES	       3
#define PAUSE_TICKS    36

/* What we read of a BOOTP packet (RFC 951). */
#define BOOTP_SIADDR 20
#define BOOTP_CHADDR 28
#define BOOTP_SIZE   236

static bool sums_to_zero(const uint8_t *p, unsigned len)
{
	uint8_t sum = 0;

	for (unsigned i = 0; i < len; i++)
		sum += p[i];
	return len && !sum;
}

/*
 * A structure that starts with this mark, has its length at len_at and sums to zero, is copied to
 * buf.
 */
static bool take(uint32_t far, const char *mark, unsigned marks, unsigned len_at, uint8_t *buf,
		 unsigned size)
{
	unsigned segment = far >> 16, offset = far & 0xffff;

	if (!far || offset > 0xffff - size)
		return false;
	copy_far(buf, segment, offset, size);
	for (unsigned i = 0; i < marks; i++)
		if (buf[i] != (uint8_t)mark[i])
			return false;
	return buf[len_at] <= size && sums_to_zero(buf, buf[len_at]);
}

static uint32_t get32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool take_pxe(uint32_t far)
{
	uint8_t buf[0x60];

	/* StatusCallout -1 or an address does not matter to a real-mode caller. */
	if (!take(far, "!PXE", 4, 4, buf, sizeof(buf)))
		return false;
	pxe_entry = get32(buf + 0x10);
	return pxe_entry != 0;
}

bool rom_find(void)
{
	uint8_t buf[0x40];

	if (take_pxe(pxe_found[1]))
		return true;
	if (!take(pxe_found[0], "PXENV+", 6, 8, buf, sizeof(buf)))
		return false;
	/* From version 2.1 on it says where !PXE is. */
	if ((buf[6] | buf[7] << 8) >= 0x0201 && take_pxe(get32(buf + 0x28)))
		return true;
	pxe_entry = get32(buf + 0x0a);
	return pxe_entry != 0;
}

static bool cached(unsigned type, uint8_t *packet)
{
	struct {
		uint16_t status, type, size, offset, segment, limit;
	} __attribute__((packed)) p = {
		.type = type,
		.size = BOOTP_SIZE,
		.offset = (uint32_t)packet,
	};

	return !pxe_call(GET_CACHED_INFO, &p) && !p.status && p.size >= BOOTP_CHADDR + 6;
}

void rom_server(struct pxe_server *server)
{
	static const uint8_t types[] = { PACKET_REPLY, PACKET_DHCP_ACK };
	static uint8_t packet[BOOTP_SIZE];

	server->address = 0;
	for (unsigned i = 0; i < sizeof(types) && !server->address; i++) {
		if (!cached(types[i], packet))
			continue;
		server->address = get32(packet + BOOTP_SIADDR);
		for (unsigned k = 0; k < sizeof(server->mac); k++)
			server->mac[k] = packet[BOOTP_CHADDR + k];
	}
}

void rom_leave(void)
{
	static const uint8_t steps[] = { UNDI_SHUTDOWN, UNLOAD_STACK, STOP_UNDI };
	uint8_t params[32];

	/*
	 * A ROM that refuses one of them may still do the next: nothing is asked of it afterwards.
	 */
	for (unsigned i = 0; i < sizeof(steps); i++) {
		for (unsigned k = 0; k < sizeof(params); k++)
			params[k] = 0;
		pxe_call(steps[i], params);
	}
}

static void tftp_close(void)
{
	uint16_t status = 0;

	pxe_call(TFTP_CLOSE, &status);
}

/* Returns the size of blocks, 0 if there is no such file, or -1. */
static int tftp_open(const struct pxe_server *server, const char *name)
{
	struct {
		uint16_t status;
		uint32_t server, gateway;
		char name[128];
		uint16_t port, block_size;
	} __attribute__((packed)) p = {
		.server = server->address,
		.port = TFTP_PORT << 8, /* network order */
		.block_size = BLOCK_SIZE,
	};
	unsigned i;

	for (i = 0; name[i] && i < sizeof(p.name) - 1; i++)
		p.name[i] = name[i];
	if (!pxe_call(TFTP_OPEN, &p) && !p.status && p.block_size && p.block_size <= BLOCK_SIZE)
		return p.block_size;
	i = p.status;
	tftp_close();
	return i == STATUS_NO_FILE ? 0 : -1;
}

/* The bytes of one block, or -1. */
static int tftp_read(uint8_t *to, unsigned room)
{
	struct {
		uint16_t status, number, size, offset, segment;
	} __attribute__((packed)) p = { .size = room, .offset = (uint32_t)to };

	return pxe_call(TFTP_READ, &p) || p.status || p.size > room ? -1 : p.size;
}

static long get_once(const struct pxe_server *server, const char *name,
		     bool (*block)(const uint8_t *data, unsigned len))
{
	static uint8_t data[BLOCK_SIZE];
	int size = tftp_open(server, name), n;
	long total = 0;

	if (size <= 0)
		return size - 1;
	do {
		n = tftp_read(data, size);
		if (n < 0 || !block(data, n)) {
			tftp_close();
			return n < 0 ? -2 : -3;
		}
		total += n;
	} while (n == size);
	tftp_close();
	return total;
}

long tftp_get(const struct pxe_server *server, const char *name,
	      bool (*block)(const uint8_t *data, unsigned len))
{
	long n = -2;

	for (unsigned i = 0; i < TRIES; i++) {
		if (i)
			wait_ticks(PAUSE_TICKS);
		/* block() is told of a new start by no bytes. */
		block(NULL, 0);
		n = get_once(server, name, block);
		if (n != -2)
			break;
		put_text("Muster: %s: no answer from %i, trying again\n", name, server->address);
	}
	return n;
}
