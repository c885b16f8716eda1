#include "punch_send.h"

#include "punch_verdict.h"

enum {
    SERVER_CHECKS = 4
};

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

static void push_bubble(struct punch *p, unsigned n, enum punch_tag_kind kind, struct endpoint to,
                        uint8_t ttl)
{
    const struct punch_mark *mark = &p->attempts[n].mark;
    struct teredo_packet bubble;
    uint8_t nonce[4];

    teredo_make_bubble(&bubble, &mark->source, &p->config.peer);
    if (mark->has_nonce)
        teredo_add_nonce_trailer(&bubble, mark->nonce, nonce);
    action_push_packet(&p->queue, punch_tag(kind, n), to, &bubble)->ttl = ttl;
}

/* Before the pair that it is compared with: the peer's answer to it must not meet what the direct
 * bubble does to the peer's NAT. */
static void push_reference(struct punch *p)
{
    struct teredo_packet bubble;
    uint32_t tag = punch_tag(PUNCH_TAG_REFERENCE, 0);
    struct send_request *send;

    teredo_make_bubble(&bubble, &p->reference_source, &p->config.peer);
    send = action_push_packet(&p->queue, tag, p->peer.mapped, &bubble);
    send->socket = 1;
    send->ttl = p->config.reference_ttl;
    action_push_packet(&p->queue, tag, p->peer_server, &bubble)->socket = 1;
}

void punch_send_pair(struct punch *p, nsec now)
{
    unsigned n = p->attempt_count++;

    if (n > 0) {
        struct event *e = action_push_event(&p->queue, EVENT_NOTE, now);

        e->note.note = NOTE_RETRANSMIT;
        e->note.attempt = n + 1;
        e->note.offset = now - punch_origin(p);
    }
    if (p->config.reference_ttl != 0)
        push_reference(p);
    prepare_attempt(p, n);
    p->result.attempts = p->attempt_count;
    /* The direct bubble first: our NAT must be open before the peer's answer arrives. */
    push_bubble(p, n, PUNCH_TAG_DIRECT, p->peer.mapped, p->config.ttl);
    push_bubble(p, n, PUNCH_TAG_INDIRECT, p->peer_server, 0);
    if (p->attempt_count < p->config.attempts) {
        p->next_attempt = now + PUNCH_INTERVAL;
    } else {
        p->next_attempt = NSEC_NEVER;
        p->give_up = now + nsec_max(punch_patience(p), NSEC_S);
    }
    if (!p->result.peer_server_alive && p->server_checks < SERVER_CHECKS)
        p->next_server_check = nsec_min(now + punch_patience(p), p->give_up);
}

void punch_resend_direct(struct punch *p)
{
    push_bubble(p, p->attempt_count - 1, PUNCH_TAG_DIRECT, p->peer.mapped, p->config.ttl);
    push_bubble(p, p->attempt_count - 1, PUNCH_TAG_INDIRECT, p->peer_server, 0);
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
    action_push_packet(&p->queue, punch_tag(PUNCH_TAG_ECHO, p->echoes), p->result.answered_from,
                       &echo);
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
    if (!p->result.peer_server_checked) {
        struct event *e = action_push_event(&p->queue, EVENT_NOTE, now);

        e->note.note = NOTE_SERVER_CHECK;
        e->note.attempt = p->attempt_count;
        e->note.offset = now - punch_origin(p);
        e->note.from = p->peer_server;
    }
    p->result.peer_server_checked = true;
    p->server_checks++;
    teredo_make_rs(&rs, &teredo_rs_source, buf);
    teredo_add_auth_nonce(&rs, p->server_nonce);
    action_push_packet(&p->queue, punch_tag(PUNCH_TAG_SERVER_CHECK, 0), p->peer_server, &rs);
    if (p->server_checks < SERVER_CHECKS)
        p->next_server_check = now + punch_patience(p);
    /* The last bubble pair's patience is the check's as well. */
    if (p->give_up != NSEC_NEVER)
        p->give_up = nsec_max(p->give_up, now + punch_patience(p));
    if (p->next_server_check != NSEC_NEVER && p->next_server_check >= p->give_up)
        p->next_server_check = NSEC_NEVER;
}
