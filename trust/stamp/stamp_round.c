/* stamp_round.c -- one imprint from its first request to everybody's answer: the failure ladder, the hedge,
 * and two stamps of different territories where that is asked for (seals.md 7.4, 7.6). */
#include "trust/stamp/stamp_service_private.h"

#include <stdio.h>
#include <stdlib.h>

/* Room for a token and a path of 64 groups. */
#define RECORD_MAX (STAMP_TOKEN_MAX + 64 * 40 + 128)

void stamp_say(stamp_service *service, const char *event, size_t tsa, const dx_why *why)
{
    if (service->spec.event != NULL)
        service->spec.event(service->spec.trust_context, event, service->spec.tsas[tsa].name, why);
}

/* ---- plans ---- */

static bool same_text(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

/* Two authorities for one plan: different territories, both named, and different classes where several are
 * accepted. */
bool stamp_plan_pair(const stamp_service *service, const stamp_plan *plan, size_t one, size_t other)
{
    const stamp_tsa *a = &service->spec.tsas[one], *b = &service->spec.tsas[other];
    return a->territory != NULL && a->territory[0] != '\0' && b->territory != NULL &&
           b->territory[0] != '\0' && !same_text(a->territory, b->territory) &&
           (plan->accept_count < 2 || !same_text(a->class_, b->class_));
}

DX_RC stamp_plan_fill(const stamp_service *service, stamp_plan *plan, dx_why *why)
{
    bool pair = false;
    plan->tsa_count = 0;
    for (size_t i = 0; i < service->spec.tsa_count; i++) {
        bool accepted = plan->accept_count == 0;
        for (size_t k = 0; k < plan->accept_count; k++)
            accepted |= same_text(plan->accept[k], service->spec.tsas[i].class_) ||
                        (strcmp(plan->accept[k], "listed") == 0 &&
                         !same_text(service->spec.tsas[i].class_, "private"));
        if (accepted)
            plan->tsas[plan->tsa_count++] = i;
    }
    for (size_t i = 0; i < plan->tsa_count; i++)
        for (size_t k = i + 1; k < plan->tsa_count; k++)
            pair |= stamp_plan_pair(service, plan, plan->tsas[i], plan->tsas[k]);
    if (plan->tsa_count == 0)
        return DX_FAIL(why, CONFIG, "seals.md 7.4",
                       "no configured time-stamp authority is of a class that is accepted here");
    if (plan->min == 2 && !pair)
        return DX_FAIL(
            why, CONFIG, "seals.md 7.4",
            "two stamps are asked for, and no two authorities of different territories are configured");
    return DX_OKAY;
}

/* ---- answering ---- */

void stamp_round_items_fail(stamp_item *items, struct dx_rc rc, const dx_why *why)
{
    for (stamp_item *item = items, *next; item != NULL; item = next) {
        const stamp_result result = {.rc = rc, .why = *why};
        next = item->next;
        if (item->done != NULL)
            item->done(item->context, &result);
        free(item);
    }
}

/* One leaf's share of what was obtained. */
static void answer_item(const stamp_round *round, const stamp_item *item, size_t index, struct dx_rc rc,
                        const dx_why *why)
{
    stamp_result result = {.rc = rc, .why = *why};
    dx_buf records[2];
    for (size_t i = 0; i < 2; i++)
        dx_buf_init(&records[i], RECORD_MAX);
    for (size_t i = 0; i < round->slot_count; i++) {
        const stamp_slot *slot = &round->slots[i];
        if (!slot->filled)
            continue;
        dx_bytes token = dx_buf_view(&slot->token), evidence = token;
        if (round->tree != NULL) {
            struct dx_rc made = evidence_record_make(round->tree, index, token, &records[i], &result.why);
            if (made.code != DX_OK) {
                result.rc = made;
                continue;
            }
            evidence = dx_buf_view(&records[i]);
        }
        result.evidence[result.count] = evidence;
        result.facts[result.count] = slot->facts;
        result.by[result.count++] = round->service->spec.tsas[slot->by].name;
    }
    item->done(item->context, &result);
    for (size_t i = 0; i < 2; i++)
        dx_buf_fini(&records[i]);
}

static void finish(stamp_round *round, struct dx_rc rc, const dx_why *why)
{
    stamp_service *service = round->service;
    size_t index = 0;
    dx_why batch;
    if (round->finished)
        return;
    round->finished = true;
    if (round->plan != NULL)
        round->plan->under_way--;
    for (stamp_item *item = round->items, *next; item != NULL; item = next, index++) {
        next = item->next;
        if (item->done != NULL)
            answer_item(round, item, index, rc, why);
        free(item);
    }
    round->items = NULL;
    if (rc.code == DX_OK && round->tree != NULL) {
        (void)DX_FAIL(&batch, OK, "seals.md 7.2", "%zu leaves under one token", round->item_count);
        stamp_say(service, "stamp.batch", round->slots[0].by, &batch);
    }
}

/* Is every place settled? Then everybody hears. */
static void settle(stamp_round *round)
{
    static const dx_why none;
    const stamp_slot *bad = NULL;
    bool invalid = false;
    dx_why why;
    for (size_t i = 0; i < round->slot_count; i++) {
        const stamp_slot *slot = &round->slots[i];
        if (!slot->filled && !slot->given_up)
            return;
        if (slot->given_up) {
            bad = bad == NULL || slot->invalid ? slot : bad;
            invalid |= slot->invalid;
        }
    }
    if (bad == NULL) {
        finish(round, DX_OKAY, &none);
        return;
    }
    struct dx_rc rc =
        dx_fail(&why, invalid ? DX_BAD_SIGNATURE : DX_UNREACHABLE, bad->why.id,
                bad->why.clause[0] != '\0' ? bad->why.clause : "seals.md 7.6", "%s",
                bad->why.text[0] != '\0' ? bad->why.text : "no time-stamp authority may be asked just now");
    finish(round, rc, &why);
}

/* ---- the ladder ---- */

static bool fits_beside(const stamp_round *round, const stamp_slot *other, size_t tsa)
{
    if (other->filled)
        return stamp_plan_pair(round->service, round->plan, tsa, other->by);
    return other->first_tsa == SIZE_MAX ||
           (stamp_plan_pair(round->service, round->plan, tsa, other->first_tsa) &&
            stamp_plan_pair(round->service, round->plan, tsa, other->last_tsa));
}

/* The next authority for this place: in order, first those of the territory it stands for. SIZE_MAX: none. */
static size_t next_tsa(const stamp_round *round, size_t slot)
{
    const stamp_service *service = round->service;
    const stamp_plan *plan = round->plan;
    const stamp_slot *own = &round->slots[slot],
                     *other = round->slot_count == 2 ? &round->slots[1 - slot] : NULL;
    int64_t now_us = stamp_mono(service);
    size_t elsewhere = SIZE_MAX;
    for (size_t i = 0; i < plan->tsa_count; i++) {
        size_t tsa = plan->tsas[i];
        if (round->tried[tsa] ||
            !stamp_authority_may_ask(&service->authorities[tsa], &service->limits, now_us) ||
            (other != NULL && !fits_beside(round, other, tsa)))
            continue;
        if (own->first_tsa == SIZE_MAX ||
            same_text(service->spec.tsas[tsa].territory, service->spec.tsas[own->first_tsa].territory))
            return tsa;
        if (elsewhere == SIZE_MAX)
            elsewhere = tsa;
    }
    return elsewhere;
}

/* A place that finds nobody of another territory still free does not take the last one of the other place's.
 */
static bool leaves_a_partner(const stamp_round *round, size_t tsa)
{
    const stamp_plan *plan = round->plan;
    for (size_t i = 0; i < plan->tsa_count; i++)
        if (stamp_plan_pair(round->service, plan, tsa, plan->tsas[i]))
            return true;
    return false;
}

static bool ask_next(stamp_round *round, size_t slot)
{
    stamp_slot *own = &round->slots[slot];
    stamp_service *service = round->service;
    int64_t now_us = stamp_mono(service);
    own->hedge_us = INT64_MAX;
    for (size_t tsa; now_us < round->deadline_us && (tsa = next_tsa(round, slot)) != SIZE_MAX;) {
        round->tried[tsa] = true;
        if (round->slot_count == 2 && !leaves_a_partner(round, tsa))
            continue;
        if (own->first_tsa == SIZE_MAX)
            own->first_tsa = tsa;
        own->last_tsa = tsa;
        if (!stamp_attempt_start(round, slot, tsa))
            continue;
        int64_t p95_us = stamp_authority_p95_us(&service->authorities[tsa]);
        own->hedge_us = p95_us < 0 ? INT64_MAX : now_us + p95_us;
        own->live++;
        round->live++;
        return true;
    }
    return false;
}

static void ask_or_give_up(stamp_round *round, size_t slot)
{
    stamp_slot *own = &round->slots[slot];
    if (!own->filled && own->live == 0 && !ask_next(round, slot))
        own->given_up = true;
}

static void probe_ended(stamp_round *round, size_t tsa, bool is_good)
{
    stamp_service *service = round->service;
    round->finished = true;
    if (stamp_authority_probed(&service->authorities[tsa], &service->limits, is_good, stamp_mono(service)))
        stamp_say(service, "stamp.restored", tsa, NULL);
}

bool stamp_round_settled(const stamp_round *round, size_t slot)
{
    return round->finished || round->slots[slot].filled;
}

void stamp_round_attempt_ended(stamp_round *round, size_t slot, size_t tsa, stamp_attempt_end end,
                               dx_bytes token, const stamp_facts *facts, const dx_why *why)
{
    stamp_service *service = round->service;
    stamp_slot *own = &round->slots[slot];
    own->live--;
    round->live--;
    if (end == STAMP_ATTEMPT_INVALID) {
        stamp_authority_bench(&service->authorities[tsa], &service->limits, stamp_mono(service));
        if (service->spec.keep != NULL)
            service->spec.keep(service->spec.trust_context, service->spec.tsas[tsa].name, token);
        stamp_say(service, "stamp.invalid", tsa, why);
    } else if (end == STAMP_ATTEMPT_FAILED) {
        stamp_authority_failed(&service->authorities[tsa], &service->limits, stamp_mono(service));
        stamp_say(service, "stamp.unavailable", tsa, why);
    } else if (end == STAMP_ATTEMPT_GOOD) {
        stamp_authority_good(&service->authorities[tsa]);
    }
    if (round->plan == NULL) {
        probe_ended(round, tsa, end == STAMP_ATTEMPT_GOOD);
        return;
    }
    if (stamp_round_settled(round, slot))
        return; /* a hedge that lost, or a stop */
    const stamp_slot *other = round->slot_count == 2 ? &round->slots[1 - slot] : NULL;
    bool beside = other == NULL || fits_beside(round, other, tsa);
    if (end == STAMP_ATTEMPT_GOOD && beside && dx_buf_add(&own->token, token).code == DX_OK) {
        own->filled = true;
        own->by = tsa;
        own->facts = *facts;
    } else if (end != STAMP_ATTEMPT_GOOD) {
        own->invalid |= end == STAMP_ATTEMPT_INVALID;
        if (!own->invalid || end == STAMP_ATTEMPT_INVALID)
            own->why = *why;
    }
    ask_or_give_up(round, slot);
    settle(round);
}

int64_t stamp_round_tick(stamp_service *service, int64_t now_us)
{
    int64_t wait_us = -1;
    for (stamp_round *round = service->rounds; round != NULL; round = round->next) {
        for (size_t i = 0; i < round->slot_count && round->plan != NULL && !round->finished; i++) {
            stamp_slot *slot = &round->slots[i];
            if (slot->filled || slot->live != 1 || slot->hedge_us == INT64_MAX)
                continue;
            if (now_us >= slot->hedge_us) {
                (void)ask_next(round, i);
                slot->hedge_us = INT64_MAX; /* two at a time are enough */
            } else if (wait_us < 0 || slot->hedge_us - now_us < wait_us) {
                wait_us = slot->hedge_us - now_us;
            }
        }
    }
    return wait_us;
}

/* ---- a round's life ---- */

static stamp_round *new_round(stamp_service *service, size_t slots)
{
    stamp_round *round = calloc(1, sizeof *round);
    if (round == NULL)
        return NULL;
    round->service = service;
    round->slot_count = slots;
    for (size_t i = 0; i < 2; i++) {
        dx_buf_init(&round->slots[i].token, STAMP_TOKEN_MAX);
        round->slots[i].first_tsa = SIZE_MAX;
        round->slots[i].hedge_us = INT64_MAX;
    }
    round->deadline_us = stamp_mono(service) + (int64_t)service->limits.total_ms * 1000;
    round->next = service->rounds;
    service->rounds = round;
    return round;
}

static DX_RC make_imprint(stamp_round *round, dx_why *why)
{
    if (round->plan->mode == STAMP_TOKEN) {
        memcpy(round->imprint, round->items->leaf, 32);
        return DX_OKAY;
    }
    uint8_t(*leaves)[32] = calloc(round->item_count, 32);
    size_t i = 0;
    if (leaves == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a batch of leaves");
    for (const stamp_item *item = round->items; item != NULL; item = item->next)
        memcpy(leaves[i++], item->leaf, 32);
    struct dx_rc rc = evidence_tree_new((const uint8_t(*)[32])leaves, round->item_count, &round->tree, why);
    free(leaves);
    if (rc.code == DX_OK)
        memcpy(round->imprint, evidence_tree_root(round->tree), 32);
    return rc;
}

void stamp_round_start(stamp_service *service, stamp_plan *plan, stamp_item *items, size_t count)
{
    dx_why why;
    stamp_round *round = new_round(service, plan->min);
    if (round == NULL) {
        struct dx_rc rc = DX_FAIL(&why, NO_MEMORY, "", "no memory for a time-stamp request");
        stamp_round_items_fail(items, rc, &why);
        return;
    }
    round->plan = plan;
    round->items = items;
    round->item_count = count;
    plan->under_way++;
    plan->started = true;
    plan->last_start_us = stamp_mono(service);
    struct dx_rc rc = make_imprint(round, &why);
    if (rc.code != DX_OK) {
        finish(round, rc, &why);
        return;
    }
    for (size_t i = 0; i < round->slot_count; i++)
        ask_or_give_up(round, i);
    settle(round);
}

void stamp_round_probe(stamp_service *service, size_t tsa)
{
    stamp_round *round = new_round(service, 1);
    bool asked = round != NULL &&
                 service->spec.io->random(service->spec.io, round->imprint, sizeof round->imprint) == 0 &&
                 stamp_attempt_start(round, 0, tsa);
    if (asked) {
        round->live = round->slots[0].live = 1;
        service->authorities[tsa].next_probe_us = INT64_MAX; /* set when it ends */
        return;
    }
    (void)stamp_authority_probed(&service->authorities[tsa], &service->limits, false, stamp_mono(service));
    if (round != NULL)
        round->finished = true;
}

void stamp_round_stop(stamp_service *service, const dx_why *why)
{
    for (stamp_round *round = service->rounds; round != NULL; round = round->next)
        finish(round, (struct dx_rc){DX_UNREACHABLE}, why);
}

void stamp_round_sweep(stamp_service *service)
{
    for (stamp_round **at = &service->rounds; *at != NULL;) {
        stamp_round *round = *at;
        if (!round->finished || round->live > 0) {
            at = &round->next;
            continue;
        }
        *at = round->next;
        evidence_tree_free(round->tree);
        for (size_t i = 0; i < 2; i++)
            dx_buf_fini(&round->slots[i].token);
        free(round);
    }
}
