#include "punch_verdict.h"

nsec punch_origin(const struct punch *p)
{
    return p->attempts[0].sent_direct != 0 ? p->attempts[0].sent_direct : p->started;
}

void punch_emit_step(struct punch *p, enum punch_step step, unsigned attempt, nsec now)
{
    const struct step_report *report = &p->result.steps[step];
    nsec sent = p->attempts[attempt].sent_direct;

    outbox_emit(p->out, &(struct event){
                            .kind = EVENT_STEP,
                            .when = now,
                            .step = {.step = step,
                                     .attempt = attempt + 1,
                                     .offset = report->when - (sent != 0 ? sent : punch_origin(p)),
                                     .report = *report,
                                     .proof = p->result.proof,
                                     .rtt = p->result.rtt}});
}

void punch_step_sent(struct punch *p, enum punch_step step, unsigned attempt,
                     const struct observation *o)
{
    p->result.steps[step] =
        (struct step_report){.state = STEP_SENT, .when = o->when, .from = o->from, .to = o->to};
    punch_emit_step(p, step, attempt, o->when);
}

void punch_set_forwarded(struct punch *p, nsec sent, nsec latest)
{
    p->result.steps[STEP_FORWARDED] = (struct step_report){
        .state = STEP_INFERRED,
        .when = sent,
        .latest = latest,
        .from = p->peer_server,
        .to = p->peer.mapped,
    };
}

void punch_note(struct punch *p, enum punch_note note, const struct observation *o)
{
    outbox_emit(p->out,
                &(struct event){.kind = EVENT_NOTE,
                                .when = o->when,
                                .note = {.note = note,
                                         .attempt = p->attempt_count,
                                         .offset = o->when - punch_origin(p),
                                         .from = o->kind == OBSERVED_RECEIVED ? o->from : o->to,
                                         .icmp = o->icmp}});
}

void punch_conclude(struct punch *p, nsec now, enum punch_verdict verdict, enum punch_cause cause)
{
    p->result.verdict = verdict;
    p->result.cause = cause;
    p->result.elapsed = now - p->started;
    p->done = true;
    outbox_emit(p->out,
                &(struct event){.kind = EVENT_PUNCHING, .when = now, .punching = p->result});
    outbox_done(p->out);
}

/* Each pair was answered, but through our server alone. One lost direct bubble looks the same, and
 * even a few of them are no rarity where packets are lost. */
static bool always_answered_indirectly(const struct punch *p)
{
    enum {
        ENOUGH = PUNCH_MAX_ATTEMPTS
    };

    for (unsigned i = 0; i < p->attempt_count; i++)
        if (!p->attempts[i].answered_indirectly)
            return false;
    return p->attempt_count >= ENOUGH;
}

/* Each pair failed while each control crossed. Loss alone, whatever its rate, does that with a
 * probability of at most (1/4) to the power of the number of attempts. */
static bool reference_always_answered(const struct punch *p)
{
    enum {
        ENOUGH = 3
    };

    for (unsigned i = 0; i < p->attempt_count; i++)
        if (!p->reference_answered[i])
            return false;
    return p->attempt_count >= ENOUGH;
}

/* The server forwarded the control's bubbles, so it did ours: what is missing is step 4. */
static void conclude_trip(struct punch *p, nsec now)
{
    if (p->result.steps[STEP_FORWARDED].state == STEP_MISSING)
        punch_set_forwarded(p, p->result.steps[STEP_INDIRECT_BUBBLE].when, now);
    punch_conclude(p, now, PUNCH_NOT_PUNCHED, CAUSE_PEER_NAT_TRIPS);
}

void punch_conclude_silence(struct punch *p, nsec now)
{
    const struct punching *r = &p->result;

    if (!endpoint_is_unset(r->unproven_from))
        punch_conclude(p, now, PUNCH_INCONCLUSIVE, CAUSE_ANSWER_UNPROVEN);
    else if (reference_always_answered(p))
        conclude_trip(p, now);
    else if (always_answered_indirectly(p))
        punch_conclude(p, now, PUNCH_NOT_PUNCHED, CAUSE_DIRECT_PATH_BLOCKED);
    else if (r->indirect_answers > 0)
        punch_conclude(p, now, PUNCH_NOT_PUNCHED, CAUSE_DIRECT_ANSWER_MISSING);
    else if (!r->peer_server_alive && r->has_icmp && !r->icmp_from_direct)
        punch_conclude(p, now, PUNCH_NOT_PUNCHED, CAUSE_PEER_SERVER_UNREACHABLE);
    else if (!r->peer_server_alive)
        punch_conclude(p, now, PUNCH_NOT_PUNCHED, CAUSE_PEER_SERVER_SILENT);
    else
        punch_conclude(p, now, PUNCH_NOT_PUNCHED, CAUSE_PEER_SILENT);
}
