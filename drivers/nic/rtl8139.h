/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two ways to drive a Realtek RTL8139 share: registers, start, link and interrupts. Every
 * chip of the family has one receive ring of bytes and four transmit slots (rtl8139.c); the 8139C+
 * has rings of descriptors besides (rtl8139cp.c). Names are those of the RTL8139C(L)+ data sheet.
 */
#ifndef DRIVERS_NIC_RTL8139_H
#define DRIVERS_NIC_RTL8139_H

#include "drivers/nic/nic.h"

enum {
	RTL_IDR0 = 0x00,  /* 6 bytes of address */
	RTL_MAR0 = 0x08,  /* 8 bytes of multicast filter */
	RTL_TSD0 = 0x10,  /* 4 words: what to send */
	RTL_TSAD0 = 0x20, /* 4 words: and from where; in C+ mode the ring, 64 bits */
	RTL_TNPDS = 0x20,
	RTL_RBSTART = 0x30,
	RTL_CR = 0x37,	 /* 8 bits */
	RTL_CAPR = 0x38, /* 16 bits: where the driver reads */
	RTL_CBR = 0x3a,	 /* 16 bits: where the card writes */
	RTL_IMR = 0x3c,	 /* 16 bits */
	RTL_ISR = 0x3e,	 /* 16 bits; a one written clears it */
	RTL_TCR = 0x40,
	RTL_RCR = 0x44,
	RTL_9346CR = 0x50,  /* 8 bits */
	RTL_CONFIG1 = 0x52, /* 8 bits */
	RTL_MSR = 0x58,	    /* 8 bits */
	RTL_HLTCLK = 0x5b,  /* 8 bits */
	RTL_TSAD = 0x60,    /* 16 bits: state of all four slots */
	RTL_TPPOLL = 0xd9,  /* 8 bits; C+ */
	RTL_CPCR = 0xe0,    /* 16 bits; C+ */
	RTL_RDSAR = 0xe4,   /* 64 bits; C+ */
	RTL_ETTHR = 0xec,   /* 8 bits; C+ */
};

#define CR_BUFE	   0x01 /* nothing received */
#define CR_TE	   0x04
#define CR_RE	   0x08
#define CR_RST	   0x10
#define ISR_ROK	   0x0001
#define ISR_RER	   0x0002
#define ISR_TOK	   0x0004
#define ISR_TER	   0x0008
#define ISR_RXOVW  0x0010 /* no room in the ring */
#define ISR_LINK   0x0020 /* and packet underrun */
#define ISR_FOVW   0x0040 /* no room in the FIFO */
#define TCR_CLRABT 0x0001
#define TCR_MXDMA  (6u << 8)		      /* bursts of 1 KB */
#define TCR_IFG	   (3u << 24)		      /* the gap that 802.3 wants */
#define RCR_ACCEPT (1 << 1 | 1 << 2 | 1 << 3) /* to us, multicast, broadcast */
#define RCR_MXDMA  (7u << 8)		      /* unlimited */
#define RCR_RXFTH  (7u << 13)		      /* whole frames */

/* The beginning of either driver's state. */
struct rtl8139 {
	volatile uint8_t *regs;
	volatile uint16_t irqs; /* ISR bits that shall interrupt */
	uint16_t events;	/* ISR bits that did; atomic, the next poll() takes them */
};

static inline uint8_t rtl_rd8(const struct rtl8139 *chip, unsigned reg)
{
	return *(chip->regs + reg);
}

static inline uint16_t rtl_rd16(const struct rtl8139 *chip, unsigned reg)
{
	return *(volatile uint16_t *)(chip->regs + reg);
}

static inline uint32_t rtl_rd32(const struct rtl8139 *chip, unsigned reg)
{
	return *(volatile uint32_t *)(chip->regs + reg);
}

static inline void rtl_wr8(const struct rtl8139 *chip, unsigned reg, uint8_t value)
{
	*(chip->regs + reg) = value;
}

static inline void rtl_wr16(const struct rtl8139 *chip, unsigned reg, uint16_t value)
{
	*(volatile uint16_t *)(chip->regs + reg) = value;
}

static inline void rtl_wr32(const struct rtl8139 *chip, unsigned reg, uint32_t value)
{
	*(volatile uint32_t *)(chip->regs + reg) = value;
}

/* Maps and resets the card and reads its address. 0, or a negative errno with all as before. */
int rtl8139_attach(struct nic *nic, struct rtl8139 *chip);

/* Resets the card: no DMA afterwards. */
void rtl8139_detach(struct nic *nic, struct rtl8139 *chip);

/* Stops everything the card does, and masks its interrupts; false if it does not answer. */
bool rtl8139_reset(struct rtl8139 *chip);

/* Receiver and transmitter on, all multicast in. rcr: what the mode wants in RCR besides. */
void rtl8139_go(struct rtl8139 *chip, uint32_t rcr);

/* Both drivers' irq operation. */
bool rtl8139_irq(struct nic *nic, enum nic_irq what);

/* What has happened since the last time, as ISR bits; a change of the link is noted in nic. */
unsigned rtl8139_events(struct nic *nic, struct rtl8139 *chip);

#endif
