#ifndef CLOCK_SHIFT_H
#define CLOCK_SHIFT_H

/*
 * A library to be preloaded (LD_PRELOAD): the process's wall clock is off by a number of seconds, which may change while it runs.
 *
 * MUSTER_CLOCK_SHIFT names a file of eight bytes, a signed number in the machine's byte order; whoever writes there moves the clock.
 * Clocks that only go forward are left alone. Debian's faketime does not do: it changes the environment before main, and the
 * Swift runtime, which looks for a program's arguments beside the environment, then finds none.
 */

#endif
