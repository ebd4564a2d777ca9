/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Typed memory descriptors: what a page is used for is said by an object of its
 * user's, not by struct page. page_private() holds the descriptor's address, and
 * its type in the low bits, so whoever meets a page knows what it is before he
 * touches the descriptor.
 *
 * A descriptor has references. One is its owner's, as long as pages point to it;
 * the rest are taken by whoever works with it. pvmem_desc_find() goes from a page
 * to its descriptor: it reads page_private() under RCU and takes a reference
 * unless there is none any more. The page may have changed hands meanwhile, so
 * the finder takes the owner's lock and looks again whether the page is still
 * this descriptor's. The memory is given back after a grace period.
 *
 * The owner may fence a descriptor: with the only reference in hand it sets a
 * flag in the same word, and whoever takes a reference from then on sees it.
 */
#ifndef PVMEM_DESC_H
#define PVMEM_DESC_H

#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>

/* Types; 0 is a page that is not described. At most 7: descriptors are aligned to 8. */
enum pvmem_desc_type {
	PVMEM_DESC_NONE,
	PVMEM_DESC_ZSPAGE,
	PVMEM_DESC_TYPE_MASK = 7,
};

/* Fences, beside the count in pvmem_desc::ref. */
#define PVMEM_DESC_BUSY (1 << 30)  /* being changed under the owner's lock: wait for it */
#define PVMEM_DESC_MOVED (1 << 29) /* its objects are elsewhere */
#define PVMEM_DESC_FENCES (PVMEM_DESC_BUSY | PVMEM_DESC_MOVED)

/**
 * struct pvmem_desc - the head of a descriptor
 * @ref: references, and fences.
 */
struct pvmem_desc {
	atomic_t ref;
};

static inline void pvmem_desc_init(struct pvmem_desc *desc)
{
	atomic_set(&desc->ref, 1);
}

/**
 * pvmem_desc_get() - one more reference
 * @desc: a descriptor that cannot go away meanwhile.
 *
 * Context: any. Orders like a lock.
 * Return: the fences that stood: 0, and the descriptor stays as it is until
 * pvmem_desc_put(); or else the caller takes the owner's lock and looks again.
 */
static inline int pvmem_desc_get(struct pvmem_desc *desc)
{
	return atomic_inc_return(&desc->ref) & PVMEM_DESC_FENCES;
}

/**
 * pvmem_desc_put() - one reference less
 * @desc: the descriptor.
 *
 * Context: any.
 * Return: true when it was the last: the caller frees the descriptor after a
 * grace period.
 */
static inline __must_check bool pvmem_desc_put(struct pvmem_desc *desc)
{
	return atomic_dec_and_test(&desc->ref);
}

void pvmem_desc_attach(struct pvmem_desc *desc, enum pvmem_desc_type type, struct page *page);
void pvmem_desc_detach(struct page *page);
enum pvmem_desc_type pvmem_desc_type(const struct page *page);
struct pvmem_desc *pvmem_desc_find(const struct page *page, enum pvmem_desc_type type);
bool pvmem_desc_is(const struct pvmem_desc *desc, enum pvmem_desc_type type, const struct page *page);
bool pvmem_desc_fence(struct pvmem_desc *desc);
void pvmem_desc_unfence(struct pvmem_desc *desc, int fences);
bool pvmem_desc_retire(struct pvmem_desc *desc);

#endif
