#include "punch_send.h"

#include "punch_verdict.h"

nsec punch_patience(const struct punch *p)
{
    /* A's path through the peer's server is as long as two of ours, as a rule; the rest is for
     * slow servers and peers. */
    return nsec_max(4 * p->config.server_rtt, 500 * NSEC_MS);
}

static bool asks_link_local(const struct punch *p, unsigned attempt)
{
    /* Who answers through our server knows RFC 6081 and repeats nonces; and it can do so again only
     * for a bubble from our Teredo address, which names our server.
     * Behind a symmetric NAT our Teredo address does not name the endpoint that the peer's server
     * sees, and it would discard the bubble (RFC 4380 5.3.1, rule 5). */
    return p->config.ask == PUNCH_ASK_LINK_LOCAL ||
           (p->config.ask == PUNCH_ASK_AUTO &&
            ((attempt % 2 == 1 && p->result.indirect_answers == 0) ||
             p->config.own_nat == QUALIFY_NAT_SYMMETRIC));
}

static void prepare_attempt(struct punch *p, unsigned n)
{
    struct punch_mark *mark = &p->attempts[n].mark;

    p->attempts[n] = (struct punch_attempt){.mark.source = p->config.own};
    if (asks_link_local(p, n))
        mark->source = link_local_random(&p->config.nonces);
    if (p->config.ask != PUNCH_ASK_ENDPOINT) {
        mark->has_nonce = true;
        nonce_take(&p->config.nonces, &mark->nonce, sizeof mark->nonce);
    }
}

/* Sends PACKET as REQUEST says, and keeps under its tag what it is. */
static void send_packet(struct punch *p, struct punch_sent sent, struct send_request request,
                        const struct teredo_packet *packet)
{
    request.tag = p->sent_count;
    p->sent[p->sent_count++] = sent;
    outbox_send_packet(p->out, request, packet);
}

/* The bubble pair of attempt N, the direct bubble first: our NAT must be open before the peer's
 * answer arrives. */
static void send_bubbles(struct punch *p, unsigned n)
{
    const struct punch_mark *mark = &p->attempts[n].mark;
    struct teredo_packet bubble;
    uint8_t nonce[4];

    teredo_make_bubble(&bubble, &mark->source, &p->config.peer);
    if (mark->has_nonce)
        teredo_add_nonce_trailer(&bubble, mark->nonce, nonce);
    send_packet(p, (struct punch_sent){PUNCH_SENT_DIRECT, n},
                (struct send_request){.to = p->peer.mapped, .ttl = p->config.ttl}, &bubble);
    send_packet(p, (struct punch_sent){PUNCH_SENT_INDIRECT, n},
                (struct send_request){.to = p->peer_server}, &bubble);
}

/* Before the pair that it is compared with: the peer's answer to it must not meet what the direct
 * bubble does to the peer's NAT. */
static void send_reference(struct punch *p)
{
    const struct punch_sent sent = {PUNCH_SENT_REFERENCE, p->attempt_count - 1};
    struct teredo_packet bubble;

    teredo_make_bubble(&bubble, &p->reference_source, &p->config.peer);
    send_packet(
        p, sent,
        (struct send_request){.socket = 1, .to = p->peer.mapped, .ttl = p->config.reference_ttl},
        &bubble);
    send_packet(p, sent, (struct send_request){.socket = 1, .to = p->peer_server}, &bubble);
}

void punch_send_pair(struct punch *p, nsec now)
{
    unsigned n = p->attempt_count++;

    if (n > 0)
        outbox_emit(p->out, &(struct event){.kind = EVENT_NOTE,
                                            .when = now,
                                            .note = {.note = NOTE_RETRANSMIT,
                                                     .attempt = n + 1,
                                                     .offset = now - punch_origin(p)}});
    if (p->config.reference_ttl != 0)
        send_reference(p);
    prepare_attempt(p, n);
    p->result.attempts = p->attempt_count;
    send_bubbles(p, n);
    if (p->attempt_count < p->config.attempts) {
        p->next_attempt = now + PUNCH_INTERVAL;
    } else {
        p->next_attempt = NSEC_NEVER;
        p->give_up = now + nsec_max(punch_patience(p), NSEC_S);
    }
    if (!p->result.peer_server_alive && p->server_checks < PUNCH_MAX_SERVER_CHECKS)
        p->next_server_check = nsec_min(now + punch_patience(p), p->give_up);
}

void punch_resend_direct(struct punch *p)
{
    send_bubbles(p, p->attempt_count - 1);
    p->resent_after_indirect = true;
}

void punch_send_echo(struct punch *p, nsec now)
{
    struct teredo_packet echo;
    uint8_t buf[8 + PUNCH_ECHO_DATA];
    const struct step_report *answer = &p->result.steps[STEP_ANSWER];
    nsec wait = nsec_max(3 * (answer->when - punch_origin(p)), 250 * NSEC_MS);

    if (p->echoes == PUNCH_MAX_ECHOES) {
        punch_conclude(p, now, PUNCH_NOT_PUNCHED, CAUSE_DATA_LOST);
        return;
    }
    teredo_make_echo(&echo, ICMP6_TYPE_ECHO_REQUEST, &p->config.own, &p->config.peer, p->echo_id,
                     (uint16_t)p->echoes, p->echo_data, sizeof p->echo_data, buf);
    send_packet(p, (struct punch_sent){PUNCH_SENT_ECHO, p->echoes},
                (struct send_request){.to = p->result.answered_from}, &echo);
    p->next_echo = now + nsec_min(wait << p->echoes, 2 * NSEC_S);
    p->echoes++;
}

void punch_check_server(struct punch *p, nsec now)
{
    struct teredo_packet rs;
    uint8_t buf[8];

    p->next_server_check = NSEC_NEVER;
    if (p->result.peer_server_alive || p->result.steps[STEP_ANSWER].state != STEP_MISSING)
        return;
    if (!p->result.peer_server_checked)
        outbox_emit(p->out, &(struct event){.kind = EVENT_NOTE,
                                            .when = now,
                                            .note = {.note = NOTE_SERVER_CHECK,
                                                     .attempt = p->attempt_count,
                                                     .offset = now - punch_origin(p),
                                                     .from = p->peer_server}});
    p->result.peer_server_checked = true;
    p->server_checks++;
    teredo_make_rs(&rs, &teredo_rs_source, buf);
    teredo_add_auth_nonce(&rs, p->server_nonce);
    send_packet(p, (struct punch_sent){PUNCH_SENT_SERVER_CHECK, 0},
                (struct send_request){.to = p->peer_server}, &rs);
    if (p->server_checks < PUNCH_MAX_SERVER_CHECKS)
        p->next_server_check = now + punch_patience(p);
    /* The last bubble pair's patience is the check's as well. */
    if (p->give_up != NSEC_NEVER)
        p->give_up = nsec_max(p->give_up, now + punch_patience(p));
    if (p->next_server_check != NSEC_NEVER && p->next_server_check >= p->give_up)
        p->next_server_check = NSEC_NEVER;
}
