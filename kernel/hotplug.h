/* SPDX-License-Identifier: MIT */
/*
 * Taking PCI devices out of a running machine: the guest's part of it, which firmware tables do in other
 * kernels.
 */
#ifndef KERNEL_HOTPLUG_H
#define KERNEL_HOTPLUG_H

#include "tests/guest/suite.h"

/* NULL where the machine has no way that is known here. */
const struct test_hotplug *hotplug_find(void);

#endif
