// SPDX-License-Identifier: GPL-2.0
/* Typed memory descriptors; see desc.h. */
#include "desc.h"

/**
 * pvmem_desc_attach() - say what a page is used for
 * @desc: the descriptor, aligned to 8 bytes, complete but for the page.
 * @type: its type.
 * @page: a page that the caller owns.
 *
 * Context: any.
 */
void pvmem_desc_attach(struct pvmem_desc *desc, enum pvmem_desc_type type, struct page *page)
{
	/* Whoever finds the descriptor by the page finds it complete. */
	smp_store_release(&page->private, (unsigned long)desc | type);
}

/**
 * pvmem_desc_detach() - the page is used for nothing any more
 * @page: the page.
 *
 * Context: any.
 */
void pvmem_desc_detach(struct page *page)
{
	WRITE_ONCE(page->private, 0);
}

/**
 * pvmem_desc_type() - what a page is used for
 * @page: a page of pvmem's.
 *
 * Context: any. Stays true only while the caller keeps the page from being freed.
 * Return: the type.
 */
enum pvmem_desc_type pvmem_desc_type(const struct page *page)
{
	return READ_ONCE(page->private) & PVMEM_DESC_TYPE_MASK;
}

/**
 * pvmem_desc_find() - a page's descriptor
 * @page: a page that was pvmem's a moment ago, and has not been used by others
 *	who write to page->private.
 * @type: the type wanted.
 *
 * Context: any.
 * Return: the descriptor with a reference for the caller, who takes the owner's
 * lock and asks pvmem_desc_is() before relying on anything; or NULL when the page
 * is of another type or on its way out.
 */
struct pvmem_desc *pvmem_desc_find(const struct page *page, enum pvmem_desc_type type)
{
	struct pvmem_desc *desc = NULL;
	unsigned long word;

	rcu_read_lock();
	word = READ_ONCE(page->private); /* what it points to is read through it */
	if ((word & PVMEM_DESC_TYPE_MASK) == type) {
		desc = (struct pvmem_desc *)(word - type);
		if (!atomic_inc_not_zero(&desc->ref))
			desc = NULL;
	}
	rcu_read_unlock();
	return desc;
}

/**
 * pvmem_desc_is() - is a page this descriptor's?
 * @desc: the descriptor; the owner's lock is held.
 * @type: its type.
 * @page: the page.
 *
 * Return: whether it is.
 */
bool pvmem_desc_is(const struct pvmem_desc *desc, enum pvmem_desc_type type, const struct page *page)
{
	return READ_ONCE(page->private) == ((unsigned long)desc | type);
}

/**
 * pvmem_desc_fence() - keep others out
 * @desc: the descriptor; the owner's lock is held.
 *
 * Context: any.
 * Return: true when nobody but the owner has a reference: whoever takes one now
 * sees PVMEM_DESC_BUSY and waits for the lock. False: it is in use.
 */
bool pvmem_desc_fence(struct pvmem_desc *desc)
{
	return atomic_cmpxchg(&desc->ref, 1, 1 | PVMEM_DESC_BUSY) == 1;
}

/**
 * pvmem_desc_unfence() - let others in again
 * @desc: a fenced descriptor; the owner's lock is held.
 * @fences: fences that stay from now on.
 */
void pvmem_desc_unfence(struct pvmem_desc *desc, int fences)
{
	atomic_add(fences - PVMEM_DESC_BUSY, &desc->ref);
}

/**
 * pvmem_desc_retire() - the owner's reference goes
 * @desc: the descriptor, to which no page points any more.
 *
 * Context: any.
 * Return: as pvmem_desc_put().
 */
bool pvmem_desc_retire(struct pvmem_desc *desc)
{
	atomic_andnot(PVMEM_DESC_FENCES, &desc->ref);
	return pvmem_desc_put(desc);
}
