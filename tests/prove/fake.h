/* SPDX-License-Identifier: MIT */
/*
 * A transport whose operations give any answer, for proofs of what lies above the transports.
 */
#ifndef PROVE_FAKE_H
#define PROVE_FAKE_H

#include "host.h"

/** Of a modern device, and of a legacy one. */
extern const struct virtio_transport_ops prove_modern_ops, prove_legacy_ops;

/** Not 0: as long as a queue of this size is started, which no operation refuses. */
extern uint32_t prove_queue_size;

/** A configuration space that reads as anything. */
extern const struct virtio_pci_config prove_pci_config;

/** The device writes anything to the memory that it shares with the driver. */
void prove_device_writes(void);

/** The proof's own, if PROVE_OFFERS is defined: the features that the device offers, one of a few sets. Else they
 * are any, which leaves open what a driver started for the sake of a feature. */
uint64_t prove_offer(void);

#endif
