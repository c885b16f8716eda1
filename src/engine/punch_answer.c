#include "punch_answer.h"

#include <string.h>

#include "punch_send.h"
#include "punch_verdict.h"

/* The proof of an answer, and the attempt that it answers. */
static enum punch_proof find_proof(const struct punch *p, const struct observation *o,
                                   unsigned *attempt)
{
    struct punch_mark marks[PUNCH_MAX_ATTEMPTS];

    for (unsigned i = 0; i < p->attempt_count; i++)
        marks[i] = p->attempts[i].mark;
    return punch_find_proof(marks, p->attempt_count, o->packet, o->from, p->peer.mapped, attempt);
}

/* True where the packet goes to one of the addresses that our bubbles came from. */
static bool is_for_us(const struct punch *p, const struct in6_addr *destination)
{
    if (ip6_equal(destination, &p->config.own))
        return true;
    for (unsigned i = 0; i < p->attempt_count; i++)
        if (ip6_equal(destination, &p->attempts[i].mark.source))
            return true;
    return false;
}

/* Step 3 cannot be seen from here: step 4 shows that it was, some time between 2 and 4. */
static void infer_forwarding(struct punch *p, unsigned attempt, const struct observation *o)
{
    /* An ICMP error for the indirect bubble says the contrary: the direct one was answered. */
    if (p->result.has_icmp && !p->result.icmp_from_direct)
        return;
    punch_set_forwarded(p, p->attempts[attempt].sent_indirect, o->when);
    punch_emit_step(p, STEP_FORWARDED, attempt, o->when);
}

static void take_answer(struct punch *p, const struct observation *o, enum punch_proof proof,
                        unsigned attempt)
{
    struct step_report *report = &p->result.steps[STEP_ANSWER];

    p->result.proof = proof;
    p->result.answered_from = o->from;
    p->answered_attempt = attempt;
    /* The bubbles that were answered are the steps that led here, even if later ones are out. */
    p->result.steps[STEP_DIRECT_BUBBLE].when = p->attempts[attempt].sent_direct;
    p->result.steps[STEP_INDIRECT_BUBBLE].when = p->attempts[attempt].sent_indirect;
    infer_forwarding(p, attempt, o);
    report->state = STEP_RECEIVED;
    report->when = o->when;
    report->from = o->from;
    report->to = p->config.local;
    punch_emit_step(p, STEP_ANSWER, attempt, o->when);
    p->next_attempt = p->give_up = p->next_server_check = NSEC_NEVER;
    punch_send_echo(p, o->when);
}

static bool is_our_echo_reply(const struct punch *p, const struct teredo_packet *packet)
{
    return packet->kind == TEREDO_ECHO_REPLY && packet->icmp6.echo.id == p->echo_id &&
           packet->icmp6.echo.sequence < p->echoes &&
           packet->icmp6.echo.size == sizeof p->echo_data &&
           memcmp(packet->icmp6.echo.data, p->echo_data, sizeof p->echo_data) == 0;
}

static void take_echo_reply(struct punch *p, const struct observation *o)
{
    struct step_report *report = &p->result.steps[STEP_DATA];
    nsec sent = p->echo_sent[o->packet->icmp6.echo.sequence];

    report->state = STEP_RECEIVED;
    report->when = o->when;
    report->from = o->from;
    report->to = p->config.local;
    if (sent != 0)
        p->result.rtt = o->when - sent;
    punch_emit_step(p, STEP_DATA, p->answered_attempt, o->when);
    punch_conclude(p, o->when, PUNCH_PUNCHED,
                   endpoint_equal(p->result.answered_from, p->peer.mapped) ? CAUSE_NONE
                                                                           : CAUSE_PEER_REMAPPED);
}

/* From the peer, but through our own server: it lives, and our bubble reached it. */
static void take_indirect(struct punch *p, const struct observation *o)
{
    unsigned attempt;

    find_proof(p, o, &attempt);
    p->attempts[attempt].answered_indirectly = true;
    if (p->result.indirect_answers++ == 0 && p->result.steps[STEP_ANSWER].state == STEP_MISSING) {
        punch_note(p, NOTE_INDIRECT_ANSWER, o);
        infer_forwarding(p, attempt, o);
    }
    if (p->result.steps[STEP_ANSWER].state == STEP_MISSING && !p->resent_after_indirect)
        punch_resend_direct(p);
}

static void take_direct(struct punch *p, const struct observation *o)
{
    unsigned attempt;
    enum punch_proof proof = find_proof(p, o, &attempt);

    if (is_our_echo_reply(p, o->packet) && p->result.steps[STEP_ANSWER].state == STEP_RECEIVED) {
        take_echo_reply(p, o);
        return;
    }
    if (p->result.steps[STEP_ANSWER].state == STEP_RECEIVED)
        return;
    if (proof != PROOF_NONE) {
        take_answer(p, o, proof, attempt);
        return;
    }
    if (!endpoint_equal(p->result.unproven_from, o->from))
        punch_note(p, NOTE_UNPROVEN, o);
    p->result.unproven_from = o->from;
}

/* An advertisement from the peer's server to our check. The nonce is all that matters here. */
static bool take_server_reply(struct punch *p, const struct observation *o)
{
    if (!endpoint_equal(o->from, p->peer_server) || o->packet->kind != TEREDO_RA ||
        !o->packet->has_auth ||
        memcmp(o->packet->auth.nonce, p->server_nonce, sizeof p->server_nonce) != 0)
        return false;
    if (!p->result.peer_server_alive)
        punch_note(p, NOTE_SERVER_ALIVE, o);
    p->result.peer_server_alive = true;
    p->next_server_check = NSEC_NEVER;
    return true;
}

static void take_reference_answer(struct punch *p, const struct observation *o)
{
    if (p->attempt_count > 0 && endpoint_equal(o->from, p->peer.mapped) &&
        ip6_equal(&o->packet->ip6.source, &p->config.peer) &&
        ip6_equal(&o->packet->ip6.destination, &p->reference_source))
        p->reference_answered[p->attempt_count - 1] = true;
}

void punch_received(struct punch *p, const struct observation *o)
{
    const struct teredo_packet *packet = o->packet;
    unsigned attempt;

    if (o->socket != 0) {
        take_reference_answer(p, o);
        return;
    }
    if (p->attempt_count == 0 || take_server_reply(p, o))
        return;
    if (!is_for_us(p, &packet->ip6.destination))
        return;
    if (endpoint_equal(o->from, p->config.server)) {
        /* A peer behind a symmetric NAT answers through our server from a link-local address, for
         * the server would not relay from its Teredo address. The nonce shows that it is it. */
        if (ip6_equal(&packet->ip6.source, &p->config.peer) ||
            find_proof(p, o, &attempt) == PROOF_NONCE)
            take_indirect(p, o);
    } else if (ip6_equal(&packet->ip6.source, &p->config.peer)) {
        take_direct(p, o);
    }
}
