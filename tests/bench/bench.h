/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pvmem_bench.ko: times the stock kernel and pvmem in one boot. Each benchmark
 * is one file with one bench_..._run(), listed in bench_main.c.
 */
#ifndef PVMEM_BENCH_H
#define PVMEM_BENCH_H

#include <linux/types.h>

#define BENCH_RESULT_MAX 1024

/**
 * bench_arg() - look a number up in a command line
 * @args: "key=value key=value".
 * @key: the key.
 * @fallback: the value when the key is not there.
 *
 * Return: the value, ULONG_MAX when it is not a number.
 */
unsigned long bench_arg(const char *args, const char *key, unsigned long fallback);

/**
 * bench_arg_is() - is a key set to a word?
 * @args: "key=value key=value".
 * @key: the key.
 * @word: the word.
 *
 * Return: true when it is.
 */
bool bench_arg_is(const char *args, const char *key, const char *word);

/*
 * Each takes the arguments and writes one line of JSON; 0 or -errno.
 */
int bench_vmap_run(const char *args, char *result);
int bench_ptpool_run(const char *args, char *result);
int bench_live_run(const char *args, char *result);
int bench_drop_run(const char *args, char *result);
int bench_purge_run(const char *args, char *result);

unsigned long bench_interrupts(void);

void bench_live_drop(void);
int bench_maps_init(void);
void bench_maps_exit(void);

#endif
