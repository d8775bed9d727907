/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network cards: finds and opens them, takes their interrupts, polls them, and watches that they
 * live: one that swallows frames is reset, one that has vanished is closed. Which of them is used is
 * decided in choose.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "drivers/pci.h"
#include "kernel/cpu/irq.h"
#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/random.h"
#include "net/internal.h"
#include "net/wake.h"

#define POLL_BUDGET 64
/* Frames take microseconds to leave; a card that gives none back for so long has stopped. */
#define STUCK_MS 2000
#define RETRY_MS 5000
#define SHOWN_MS 60000 /* how long a reset is worth a warning */

struct nic *net_nics[NET_MAX_NICS];
unsigned net_nic_count;

/* --- interrupts ------------------------------------------------------------------------------- */

static bool card_irq(void *arg)
{
	struct nic *nic = arg;
	unsigned long flags = spin_lock_irqsave(&nic->irq_lock);
	/* The line may be shared, and this card closed. */
	bool ours = nic->running && nic->driver->irq(nic, NIC_IRQ_ACK);

	if (ours) {
		nic->stats.irqs++;
		/*
		 * One interrupt wakes the thread; if a second comes while it is still at work, more
		 * would only disturb it. A lone packet thus costs no masking. In this order: once
		 * irq_pending is set, the thread will look at irq_masked again before it sleeps.
		 */
		if (nic->irq_pending && !nic->irq_masked) {
			nic->driver->irq(nic, NIC_IRQ_MASK);
			nic->irq_masked = true;
		}
		nic->irq_pending = true;
	}
	spin_unlock_irqrestore(&nic->irq_lock, flags);
	if (ours)
		net_wake();
	return ours;
}

bool netif_irq_pending(void)
{
	for (unsigned i = 0; i < net_nic_count; i++)
		if (net_nics[i]->irq_pending)
			return true;
	return false;
}

void netif_unmask_irqs(void)
{
	for (unsigned i = 0; i < net_nic_count; i++) {
		if (!net_nics[i]->irq_masked || !net_nics[i]->running)
			continue;
		net_nics[i]->irq_masked = false;
		net_nics[i]->driver->irq(net_nics[i], NIC_IRQ_UNMASK);
	}
}

bool netif_irqs_arrive(void)
{
	for (unsigned i = 0; i < net_nic_count; i++)
		if (net_nics[i]->stats.irqs)
			return true;
	return false;
}

/* --- opening and closing ---------------------------------------------------------------------- */

static int start_card(struct nic *nic)
{
	unsigned long flags;
	int err = nic->driver->open(nic);

	if (err)
		return err;
	nic->watch.out = 0;
	nic->watch.moved_ms = net_ms_since_entry();
	flags = spin_lock_irqsave(&nic->irq_lock);
	nic->running = true;
	nic->irq_masked = false;
	nic->irq_pending = false;
	spin_unlock_irqrestore(&nic->irq_lock, flags);
	return 0;
}

static void stop_card(struct nic *nic)
{
	unsigned long flags;

	nic->driver->irq(nic, NIC_IRQ_MASK);
	flags = spin_lock_irqsave(&nic->irq_lock);
	nic->running = false;
	nic->irq_pending = false;
	spin_unlock_irqrestore(&nic->irq_lock, flags);
	nic->driver->close(nic);
	nic->tx_waiting = false;
	nic->link = false;
}

static struct nic *new_card(const struct nic_driver *driver)
{
	struct nic *nic = kzalloc(sizeof(*nic));

	if (!nic)
		return NULL;
	nic->driver = driver;
	nic->index = net_nic_count;
	nic->mtu = 1500;
	nic->pieces = NIC_PIECES;
	spin_init(&nic->irq_lock);
	return nic;
}

/* Starts a card that was found, and counts it among ours; frees it if it does not start. */
static int open_card(struct nic *nic)
{
	int err = start_card(nic);

	if (err) {
		if (err != -ENODEV)
			kprintf("net: the %s card at %s does not start: error %d\n",
				nic->driver->name, nic->place, -err);
		kfree(nic);
		return err;
	}
	random_mix(nic->mac, sizeof(nic->mac));
	net_nics[net_nic_count++] = nic;
	if (nic->pci)
		irq_set_level(nic->line);
	err = irq_register(nic->line, card_irq, nic);
	if (err)
		kprintf("net: eth%u has no interrupt (line %u, error %d): looking at it by the clock\n",
			nic->index, nic->line, -err);
	nic->driver->irq(nic, NIC_IRQ_UNMASK);
	kprintf("net: eth%u: %s at %s, %02x:%02x:%02x:%02x:%02x:%02x, irq %u, link %s\n",
		nic->index, nic->driver->name, nic->place, nic->mac[0], nic->mac[1], nic->mac[2],
		nic->mac[3], nic->mac[4], nic->mac[5], nic->line, nic->link ? "up" : "down");
	return 0;
}

static const struct nic_id *find_id(const struct nic_driver *driver, const struct pci_dev *pci)
{
	for (const struct nic_id *id = driver->ids; id && id->vendor; id++)
		if (id->vendor == pci->vendor && id->device == pci->device)
			return id;
	return NULL;
}

static int open_pci_card(const struct nic_driver *driver, const struct nic_id *id,
			 const struct pci_dev *pci)
{
	struct nic *nic = new_card(driver);

	if (!nic)
		return -ENOMEM;
	nic->id = id;
	nic->pci = pci;
	nic->line = pci->line;
	snprintf(nic->place, sizeof(nic->place), "%02x:%02x.%u", pci->bus, pci->dev, pci->fn);
	return open_card(nic);
}

/* Gives the card to the first driver that takes it. */
static void find_driver(const struct pci_dev *pci)
{
	int err = -ENODEV;

	for (const struct nic_driver *const *d = nic_drivers; *d && err == -ENODEV; d++) {
		const struct nic_id *id = find_id(*d, pci);

		if (id)
			err = open_pci_card(*d, id, pci);
	}
	if (err == -ENODEV)
		kprintf("net: no driver for the card %04x:%04x at %02x:%02x.%u\n", pci->vendor,
			pci->device, pci->bus, pci->dev, pci->fn);
}

/* Places where a card may be that no bus tells of. */
static void look_for_cards(const struct nic_driver *driver)
{
	for (unsigned n = 0; net_nic_count < NET_MAX_NICS; n++) {
		struct nic *nic = new_card(driver);
		int found = nic ? driver->look(nic, n) : -ENOMEM;

		if (found > 0) {
			snprintf(nic->place, sizeof(nic->place), "port %x", nic->io);
			open_card(nic);
			continue;
		}
		kfree(nic);
		if (found < 0)
			return;
	}
}

void netif_find_cards(void)
{
	struct pci_dev *pci;

	list_for_each_entry(pci, &pci_devices, link)
		if (pci->class == PCI_CLASS_ETHERNET && net_nic_count < NET_MAX_NICS)
			find_driver(pci);
	for (const struct nic_driver *const *d = nic_drivers; *d; d++)
		if ((*d)->look)
			look_for_cards(*d);
	if (!net_nic_count)
		kprintf("net: no network card that this kernel can drive: nobody can reach this node\n");
}

void netif_close_cards(void)
{
	if (net_nic)
		netif_detach();
	for (; net_nic_count; net_nic_count--)
		if (net_nics[net_nic_count - 1]->running)
			stop_card(net_nics[net_nic_count - 1]);
}

/* --- polling ---------------------------------------------------------------------------------- */

static bool poll_card(struct nic *nic)
{
	bool had_link = nic->link;
	unsigned got;

	if (nic == net_nic)
		netif_drain();
	got = nic->driver->poll(nic, POLL_BUDGET);
	if (had_link != nic->link) {
		kprintf("net: eth%u: link %s\n", nic->index, nic->link ? "up" : "down");
		choose_soon();
	}
	if (nic == net_nic)
		netif_follow_link();
	return got || nic->tx_waiting;
}

bool netif_poll_cards(void)
{
	bool more = false;

	for (unsigned i = 0; i < net_nic_count; i++) {
		net_nics[i]->irq_pending = false;
		if (net_nics[i]->running)
			more |= poll_card(net_nics[i]);
	}
	gro_flush();
	return more || (net_nic && net_nic->tx_waiting);
}

/* --- watching --------------------------------------------------------------------------------- */

static void restart_card(struct nic *nic)
{
	int err = start_card(nic);

	nic->watch.resets++;
	nic->watch.reset_ms = net_ms_since_entry();
	if (err) {
		snprintf(nic->problem, sizeof(nic->problem), "does not start again: error %d",
			 -err);
		kprintf("net: eth%u: %s\n", nic->index, nic->problem);
		return;
	}
	nic->driver->irq(nic, NIC_IRQ_UNMASK);
	snprintf(nic->problem, sizeof(nic->problem), "had stopped working and was reset %u time%s",
		 nic->watch.resets, nic->watch.resets == 1 ? "" : "s");
	kprintf("net: eth%u: reset, link %s\n", nic->index, nic->link ? "up" : "down");
}

/* Has the card left a frame in its ring for too long, though it has a link? */
static bool is_stuck(struct nic *nic)
{
	struct nic_watch *w = &nic->watch;
	uint64_t now = net_ms_since_entry();

	if (!w->out || !nic->link || w->returned != w->seen) {
		w->seen = w->returned;
		w->moved_ms = now;
	}
	return now - w->moved_ms >= STUCK_MS;
}

/* A card that was pulled out, or whose bus is gone, reads as all ones. */
static bool is_gone(const struct nic *nic)
{
	return nic->pci && pci_read16(nic->pci, 0) == 0xffff;
}

static void watch_card(struct nic *nic)
{
	if (is_gone(nic)) {
		if (!nic->running)
			return;
		stop_card(nic);
		snprintf(nic->problem, sizeof(nic->problem),
			 "has vanished; if it is back, the node must be rebooted");
		kprintf("net: eth%u: the card %s\n", nic->index, nic->problem);
	} else if (!nic->running) {
		if (net_ms_since_entry() - nic->watch.reset_ms >= RETRY_MS)
			restart_card(nic);
	} else if (is_stuck(nic)) {
		kprintf("net: eth%u: the %s card has not sent %u frame%s for %u s: resetting it\n",
			nic->index, nic->driver->name, nic->watch.out,
			nic->watch.out == 1 ? "" : "s", STUCK_MS / 1000);
		stop_card(nic);
		restart_card(nic);
	}
}

void cards_warn(struct net_status *status)
{
	for (unsigned i = 0; i < net_nic_count; i++) {
		const struct nic *nic = net_nics[i];

		if (*nic->problem &&
		    (!nic->running || net_ms_since_entry() - nic->watch.reset_ms < SHOWN_MS))
			net_warn(status, "eth%u %s", i, nic->problem);
	}
}

void cards_watch(void)
{
	/* Sent frames are given back by polling, and nothing else need have polled. */
	netif_poll_cards();
	for (unsigned i = 0; i < net_nic_count; i++)
		watch_card(net_nics[i]);
}
