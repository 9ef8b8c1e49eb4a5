/* SPDX-License-Identifier: MIT */
/*
 * The life of one driver.
 */
#include "driver.h"

void hostile_halt_or_recover(const struct hostile_driver *driver, void *rig, uint8_t what)
{
    (void)((what & 0x10) != 0 ? driver->recover(rig) : driver->halt(rig));
}

/* A driver without cookies need not be halted first. @return was it stopped? */
static bool stop(const struct hostile_driver *driver, void *rig)
{
    if (driver->drain != NULL) {
        if (driver->halt(rig) != VIRTIO_OK)
            return false;
        driver->drain(rig);
    }
    if (driver->leave != NULL)
        driver->leave(rig);
    return driver->stop(rig) == VIRTIO_OK;
}

void hostile_start_again(const struct hostile_driver *driver, void *rig)
{
    struct hostile_driver stays = *driver;

    stays.leave = NULL;
    if (stop(&stays, rig))
        (void)driver->start(rig);
}

static void step(struct hostile *hostile, const struct hostile_driver *driver, void *rig)
{
    uint8_t what = hostile_byte(hostile);

    hostile_explain("step %u.%u\n", what & 15, what >> 4);
    hostile_begin_call(hostile);
    driver->step(rig, what);
    hostile_end_call(hostile, driver->step_waits);
}

void hostile_drive(struct hostile *hostile, struct virtio_device *found,
                   const struct hostile_driver *driver, void *rig)
{
    if (hostile_find(hostile, found) != VIRTIO_OK)
        return;
    hostile_begin_call(hostile);
    (void)driver->start(rig);
    hostile_end_call(hostile, driver->start_waits);
    for (unsigned steps = 0; steps < driver->steps && hostile_has_script(hostile); steps++)
        step(hostile, driver, rig);
    hostile_tame(hostile);
    hostile_begin_call(hostile);
    hostile_require(stop(driver, rig));
    hostile_end_call(hostile, 2);
}
