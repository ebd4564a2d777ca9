// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the guest says of itself, against what was seen: which frames are in its
 * pool, and how much it has mapped. What the guest says was so before the walk or
 * after it, never during: with both, and with what its counters say has happened
 * in between, a guest that went on is told from one whose word is wrong.
 */
#include "audit_judge.h"

/**
 * pvmem_judge_pool() - marks the frames the guest says are in its pool
 * @judge: the audit; it has been walked.
 *
 * Those that are in use, or to Xen no idle pinned page tables, are found.
 */
void pvmem_judge_pool(struct pvmem_judge *judge)
{
	const struct pvmem_audit_source *source = judge->source;
	uint8_t idle = 1 | PVMEM_AUDIT_TYPE_PINNED;
	uint64_t frame;
	size_t i;

	for (i = 0; judge->claim->has_pool && i < judge->claim->nr_pool; i++) {
		frame = judge->claim->pool[i];
		if (frame >= source->nr_frames || judge->frames[frame] & PVMEM_FRAME_REFERENCED ||
		    (source->type && source->type(source->data, frame) != idle)) {
			pvmem_audit_find(judge->audit, PVMEM_AUDIT_POOL, frame, 0, 0);
			continue;
		}
		judge->audit->nr_pooled += !(judge->frames[frame] & PVMEM_FRAME_POOL);
		judge->frames[frame] |= PVMEM_FRAME_POOL | PVMEM_FRAME_TABLE;
	}
}

/*
 * A PV guest's kernel makes two tables at boot, each mapping one page 512 times, read-only, to be hooked in
 * wherever its list of machine frames has a hole of 2 MiB (p2m_missing_pte, p2m_identity_pte). One that found no
 * hole stays pinned in no page table.
 */
static bool pvmem_is_template(const struct pvmem_judge *judge, uint64_t frame)
{
	const uint64_t *page = judge->source->page(judge->source->data, frame);
	int i;

	for (i = 0; page && i < PVMEM_TABLE_ENTRIES; i++)
		if ((page[i] & 3) != 1 || (page[i] ^ page[0]) & ~PVMEM_PTE_USED)
			return false;
	return page;
}

static bool pvmem_is_idle(const struct pvmem_judge *judge, uint64_t frame)
{
	return judge->source->type(judge->source->data, frame) == (1 | PVMEM_AUDIT_TYPE_PINNED) &&
	       !(judge->frames[frame] & PVMEM_FRAME_REFERENCED) && !pvmem_is_template(judge, frame);
}

/**
 * pvmem_judge_pins() - finds idle pinned tables that are not the pool's
 * @judge: the audit; pvmem_judge_pool() has marked the pool's.
 */
void pvmem_judge_pins(struct pvmem_judge *judge)
{
	bool named = judge->claim->has_pool && !judge->claim->pool_partial;
	uint64_t frame;

	for (frame = 0; judge->source->type && frame < judge->source->nr_frames; frame++) {
		judge->audit->nr_pinned += !!(judge->source->type(judge->source->data, frame) &
					      PVMEM_AUDIT_TYPE_PINNED);
		if (!pvmem_is_idle(judge, frame))
			continue;
		judge->audit->nr_idle++;
		if (named && !(judge->frames[frame] & PVMEM_FRAME_POOL))
			pvmem_audit_find(judge->audit, PVMEM_AUDIT_PIN_ORPHAN, frame, 0, 0);
	}
}

static uint64_t pvmem_more(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t pvmem_above(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/*
 * Counters only grow, so whatever the guest did between the two reports, at the
 * time of the walk it had not mapped more than the second says, nor purged less
 * than the first. An unmap under `eager` clears entries before the purge.
 */
static void pvmem_settle_counts(struct pvmem_audit *audit, const struct pvmem_audit_claim *claim)
{
	const struct pvmem_audit_counts *before = &claim->counts[0], *after = &claim->counts[1];
	uint64_t most = pvmem_above(after->map_pages, before->purge_pages);
	uint64_t least = pvmem_above(before->map_pages, after->unmap_pages);
	uint64_t seen = audit->nr_window;

	if (seen > most)
		pvmem_audit_find(audit, PVMEM_AUDIT_CLAIM, PVMEM_AUDIT_NO_FRAME, seen, most);
	else if (seen < least)
		pvmem_audit_find(audit, PVMEM_AUDIT_CLAIM, PVMEM_AUDIT_NO_FRAME, seen, least);
}

static bool pvmem_named_later(const struct pvmem_audit_claim *claim, uint64_t frame)
{
	size_t i;

	for (i = 0; i < claim->nr_later; i++)
		if (claim->later[i] == frame)
			return true;
	return false;
}

/*
 * Leaves out the findings of a kind that a later word of the guest's explains:
 * those that are in its pool now, or those that are not. When no more than
 * @allowed are left, what the guest did meanwhile explains these.
 */
static void pvmem_settle_kind(struct pvmem_audit *audit, const struct pvmem_audit_claim *claim,
			      enum pvmem_audit_kind kind, bool in_pool, uint64_t allowed)
{
	size_t i, kept = 0;

	for (i = 0; claim->has_later && i < audit->nr_findings; i++) {
		if (audit->findings[i].kind == kind && pvmem_named_later(claim, audit->findings[i].frame) == in_pool)
			audit->nr_by_kind[kind]--;
		else
			audit->findings[kept++] = audit->findings[i];
	}
	if (claim->has_later)
		audit->nr_findings = kept;
	if (audit->nr_by_kind[kind] > allowed)
		return;
	for (i = kept = 0; i < audit->nr_findings; i++)
		if (audit->findings[i].kind != kind)
			audit->findings[kept++] = audit->findings[i];
	audit->nr_findings = kept;
	audit->nr_by_kind[kind] = 0;
}

/**
 * pvmem_audit_settle() - compares what was seen with what the guest's counters claim
 * @audit: of a walk with the same windows and pool.
 * @claim: with @counts, else nothing is compared; what @later has is allowed for.
 *
 * Idle pinned tables that are not the pool's may be between it and their user:
 * as many as it says are handed out, and as have moved in or out meanwhile.
 */
void pvmem_audit_settle(struct pvmem_audit *audit, const struct pvmem_audit_claim *claim)
{
	const struct pvmem_audit_counts *before = &claim->counts[0], *after = &claim->counts[1];
	uint64_t moved = pvmem_above(after->ptpool_moves, before->ptpool_moves);

	if (!claim->has_counts)
		return;
	pvmem_settle_counts(audit, claim);
	pvmem_settle_kind(audit, claim, PVMEM_AUDIT_PIN_ORPHAN, true,
			  pvmem_more(before->ptpool_out, after->ptpool_out) + moved);
	pvmem_settle_kind(audit, claim, PVMEM_AUDIT_POOL, false, moved);
}
