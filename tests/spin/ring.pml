/* SPDX-License-Identifier: MIT */
/*
 * What a split ring relies on: the protocol of indices, wishes for notifications and fences, between a driver
 * that publishes requests and a device that goes to sleep when it has none. Store buffers are modelled:
 * what a side stores is in a buffer of its own, oldest first, until it drains into memory, which may
 * be at any time, or at a fence. (That is x86's order; weaker ones reorder stores too, which the release
 * stores of the ring rule out: see docs/memory-ordering.md.)
 *
 * Shown for every interleaving: every request is completed, its data before its index, and no side waits
 * for ever (no invalid end state). Without the driver's fence (-DNO_DRIVER_FENCE) or the device's
 * (-DNO_DEVICE_FENCE) a notification is lost, and the model must fail.
 *
 *   EVENT_IDX defined: wishes are indices, else they are a flag.
 */
#define REQUESTS 3
#define MOD 4 /* indices wrap */

byte entry[MOD];       /* the available ring's entries: what request is where */
byte available = 0;    /* in memory: the driver's index */
byte wish = 0;         /* in memory: the device's wish: flag (1: notify me), or index */
byte used = 0;         /* in memory: the device's index */
bool bell = false;     /* the notification: a register, reached in order with earlier stores */
byte completed = 0;

/* Store buffers, two entries each: (place, value); place 0 none, 1 entry, 2 index or wish. */
chan driver_buffer = [4] of {byte, byte, byte};
chan device_buffer = [4] of {byte, byte, byte};

#define ENTRY 1
#define INDEX 2
#define WISH  3
#define USED  4

inline driver_store(place, at, value)
{
	driver_buffer ! place, at, value
}

inline device_store(place, at, value)
{
	device_buffer ! place, at, value
}

/* Memory takes stores out of the buffers at any time, each buffer in its order. */
active proctype memory()
{
	byte place, at, value;
end:
	do
	:: atomic { driver_buffer ? place, at, value ->
		if
		:: place == ENTRY -> entry[at] = value
		:: place == INDEX -> available = value
		fi; place = 0; at = 0; value = 0 }
	:: atomic { device_buffer ? place, at, value ->
		if
		:: place == WISH -> wish = value
		:: place == USED -> used = value
		fi; place = 0; at = 0; value = 0 }
	od
}

active proctype driver()
{
	byte sent = 0;
	byte old;
	byte event;
	do
	:: sent < REQUESTS ->
		old = sent;
		/* a batch of one, or of two */
		driver_store(ENTRY, sent % MOD, sent + 1);
		sent++;
		if
		:: sent < REQUESTS ->
			driver_store(ENTRY, sent % MOD, sent + 1);
			sent++
		:: skip
		fi;
		driver_store(INDEX, 0, sent % MOD);
#ifndef NO_DRIVER_FENCE
		empty(driver_buffer);
#endif
		event = wish;
#ifdef EVENT_IDX
		if
		:: ((sent - event - 1 + 2 * MOD) % MOD) < sent - old ->
			/* a register write is after all earlier stores */
			atomic { empty(driver_buffer) -> bell = true }
		:: else
		fi
#else
		if
		:: event == 1 -> atomic { empty(driver_buffer) -> bell = true }
		:: else
		fi
#endif
	:: sent == REQUESTS -> break
	od;
	/* Wait for the completions: this is where a lost notification shows. */
	used == REQUESTS % MOD
}

active proctype device()
{
	byte next = 0;
	byte seen;
	do
	:: next == REQUESTS -> break
	:: else ->
		seen = available;
		if
		:: seen == next % MOD ->
			/* Nothing to do: ask for a notification, look again, sleep. */
#ifdef EVENT_IDX
			device_store(WISH, 0, next % MOD);
#else
			device_store(WISH, 0, 1);
#endif
#ifndef NO_DEVICE_FENCE
			empty(device_buffer);
#endif
			seen = available;
			if
			:: seen == next % MOD -> bell; bell = false
			:: else
			fi;
#ifndef EVENT_IDX
			device_store(WISH, 0, 0);
#endif
		:: else ->
			do
			:: next % MOD != seen ->
				/* The entry is there when the index that covers it is. */
				assert(entry[next % MOD] == next + 1);
				next++;
				completed++
			:: else -> break
			od;
			device_store(USED, 0, next % MOD)
		fi
	od
}
