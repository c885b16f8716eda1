#include "punch.h"

#include <string.h>

static const struct icmp_error no_icmp;

/* When step 1 of the first attempt was sent: offsets count from here. */
static nsec origin(const struct punch *p)
{
    return p->attempts[0].sent_direct != 0 ? p->attempts[0].sent_direct : p->started;
}

static void tell_step(struct punch *p, enum punch_step step, unsigned attempt, nsec now)
{
    const struct step_report *report = &p->result.steps[step];
    nsec sent = p->attempts[attempt].sent_direct;

    outbox_emit(p->out,
                &(struct event){.kind = EVENT_STEP,
                                .when = now,
                                .step = {.step = step,
                                         .attempt = attempt + 1,
                                         .offset = report->when - (sent != 0 ? sent : origin(p)),
                                         .report = *report,
                                         .proof = p->result.proof,
                                         .rtt = p->result.rtt}});
}

/* Records a step as sent (its latest sending counts) and tells it. ATTEMPT counts from 0. */
static void step_sent(struct punch *p, enum punch_step step, unsigned attempt,
                      const struct observation *o)
{
    p->result.steps[step] =
        (struct step_report){.state = STEP_SENT, .when = o->when, .from = o->from, .to = o->to};
    tell_step(p, step, attempt, o->when);
}

/* Infers step 3: the server forwarded our bubble at some time from SENT to LATEST. */
static void set_forwarded(struct punch *p, nsec sent, nsec latest)
{
    p->result.steps[STEP_FORWARDED] = (struct step_report){
        .state = STEP_INFERRED,
        .when = sent,
        .latest = latest,
        .from = p->peer_server,
        .to = p->peer.mapped,
    };
}

static void tell_note(struct punch *p, nsec now, enum punch_note note, struct endpoint from,
                      struct icmp_error icmp)
{
    outbox_emit(p->out, &(struct event){.kind = EVENT_NOTE,
                                        .when = now,
                                        .note = {.note = note,
                                                 .attempt = p->attempt_count,
                                                 .offset = now - origin(p),
                                                 .from = from,
                                                 .icmp = icmp}});
}

static void conclude(struct punch *p, nsec now, enum punch_verdict verdict, enum punch_cause cause)
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

/* Each pair failed while each reference crossed. Loss alone, whatever its rate, does that with a
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

/* The server forwarded the reference's bubbles, so it did ours: what is missing is step 4. */
static void conclude_trip(struct punch *p, nsec now)
{
    if (p->result.steps[STEP_FORWARDED].state == STEP_MISSING)
        set_forwarded(p, p->result.steps[STEP_INDIRECT_BUBBLE].when, now);
    conclude(p, now, PUNCH_NOT_PUNCHED, CAUSE_PEER_NAT_TRIPS);
}

/* Time is up: the evidence names the cause. */
static void conclude_silence(struct punch *p, nsec now)
{
    const struct punching *r = &p->result;

    if (!endpoint_is_unset(r->unproven_from))
        conclude(p, now, PUNCH_INCONCLUSIVE, CAUSE_ANSWER_UNPROVEN);
    else if (reference_always_answered(p))
        conclude_trip(p, now);
    else if (always_answered_indirectly(p))
        conclude(p, now, PUNCH_NOT_PUNCHED, CAUSE_DIRECT_PATH_BLOCKED);
    else if (r->indirect_answers > 0)
        conclude(p, now, PUNCH_NOT_PUNCHED, CAUSE_DIRECT_ANSWER_MISSING);
    else if (!r->peer_server_alive && r->has_icmp && !r->icmp_from_direct)
        conclude(p, now, PUNCH_NOT_PUNCHED, CAUSE_PEER_SERVER_UNREACHABLE);
    else if (!r->peer_server_alive)
        conclude(p, now, PUNCH_NOT_PUNCHED, CAUSE_PEER_SERVER_SILENT);
    else
        conclude(p, now, PUNCH_NOT_PUNCHED, CAUSE_PEER_SILENT);
}

/* How long an answer to something sent now may reasonably take. */
static nsec patience(const struct punch *p)
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

static void send_pair(struct punch *p, nsec now)
{
    unsigned n = p->attempt_count++;

    if (n > 0)
        tell_note(p, now, NOTE_RETRANSMIT, (struct endpoint){0}, no_icmp);
    if (p->config.reference_ttl != 0)
        send_reference(p);
    prepare_attempt(p, n);
    p->result.attempts = p->attempt_count;
    send_bubbles(p, n);
    if (p->attempt_count < p->config.attempts) {
        p->next_attempt = now + PUNCH_INTERVAL;
    } else {
        p->next_attempt = NSEC_NEVER;
        p->give_up = now + nsec_max(patience(p), NSEC_S);
    }
    if (!p->result.peer_server_alive && p->server_checks < PUNCH_MAX_SERVER_CHECKS)
        p->next_server_check = nsec_min(now + patience(p), p->give_up);
}

/* RFC 6081's further direct bubble, once the peer's indirect answer shows that its NAT has opened.
 */
static void resend_pair(struct punch *p)
{
    send_bubbles(p, p->attempt_count - 1);
    p->resent_after_indirect = true;
}

static void send_echo(struct punch *p, nsec now)
{
    struct teredo_packet echo;
    uint8_t buf[8 + PUNCH_ECHO_DATA];
    const struct step_report *answer = &p->result.steps[STEP_ANSWER];
    nsec wait = nsec_max(3 * (answer->when - origin(p)), 250 * NSEC_MS);

    if (p->echoes == PUNCH_MAX_ECHOES) {
        conclude(p, now, PUNCH_NOT_PUNCHED, CAUSE_DATA_LOST);
        return;
    }
    teredo_make_echo(&echo, &p->config.own, &p->config.peer,
                     &(struct teredo_echo){ICMP6_TYPE_ECHO_REQUEST, p->echo_id, (uint16_t)p->echoes,
                                           p->echo_data, sizeof p->echo_data},
                     buf);
    send_packet(p, (struct punch_sent){PUNCH_SENT_ECHO, p->echoes},
                (struct send_request){.to = p->result.answered_from}, &echo);
    p->next_echo = now + nsec_min(wait << p->echoes, 2 * NSEC_S);
    p->echoes++;
}

/* A router solicitation to the peer's server: does it live? */
static void check_server(struct punch *p, nsec now)
{
    struct teredo_packet rs;
    uint8_t buf[8];

    p->next_server_check = NSEC_NEVER;
    if (p->result.peer_server_alive || p->result.steps[STEP_ANSWER].state != STEP_MISSING)
        return;
    if (!p->result.peer_server_checked)
        tell_note(p, now, NOTE_SERVER_CHECK, p->peer_server, no_icmp);
    p->result.peer_server_checked = true;
    p->server_checks++;
    teredo_make_rs(&rs, &teredo_rs_source, buf);
    teredo_add_auth_nonce(&rs, p->server_nonce);
    send_packet(p, (struct punch_sent){PUNCH_SENT_SERVER_CHECK, 0},
                (struct send_request){.to = p->peer_server}, &rs);
    if (p->server_checks < PUNCH_MAX_SERVER_CHECKS)
        p->next_server_check = now + patience(p);
    /* The last bubble pair's patience is the check's as well. */
    if (p->give_up != NSEC_NEVER)
        p->give_up = nsec_max(p->give_up, now + patience(p));
    if (p->next_server_check != NSEC_NEVER && p->next_server_check >= p->give_up)
        p->next_server_check = NSEC_NEVER;
}

/* The proof of an answer, and the attempt that it answers. */
static enum punch_proof find_proof(const struct punch *p, const struct observation *o,
                                   unsigned *attempt)
{
    struct punch_mark marks[PUNCH_MAX_ATTEMPTS];

    for (unsigned i = 0; i < p->attempt_count; i++)
        marks[i] = p->attempts[i].mark;
    return punch_find_proof(marks, p->attempt_count, o, p->peer.mapped, attempt);
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
    set_forwarded(p, p->attempts[attempt].sent_indirect, o->when);
    tell_step(p, STEP_FORWARDED, attempt, o->when);
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
    tell_step(p, STEP_ANSWER, attempt, o->when);
    p->next_attempt = p->give_up = p->next_server_check = NSEC_NEVER;
    send_echo(p, o->when);
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
    tell_step(p, STEP_DATA, p->answered_attempt, o->when);
    conclude(p, o->when, PUNCH_PUNCHED,
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
        tell_note(p, o->when, NOTE_INDIRECT_ANSWER, o->from, no_icmp);
        infer_forwarding(p, attempt, o);
    }
    if (p->result.steps[STEP_ANSWER].state == STEP_MISSING && !p->resent_after_indirect)
        resend_pair(p);
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
        tell_note(p, o->when, NOTE_UNPROVEN, o->from, no_icmp);
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
        tell_note(p, o->when, NOTE_SERVER_ALIVE, o->from, no_icmp);
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

static void on_received(struct punch *p, const struct observation *o)
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

static void start(struct punch *p, nsec now)
{
    p->started = now;
    /* RFC 4380 5.2.4: never send to an address that is not global unicast. */
    if (!p->config.allow_private &&
        (!ip4_is_global_unicast(p->peer.mapped.address) || !ip4_is_global_unicast(p->peer.server)))
        conclude(p, now, PUNCH_NOT_PUNCHED, CAUSE_PEER_NOT_GLOBAL);
    else if (p->peer.mapped.port == 0)
        conclude(p, now, PUNCH_NOT_PUNCHED, CAUSE_PEER_NOT_GLOBAL);
    else if (endpoint_equal(p->peer.mapped, p->config.mapped))
        conclude(p, now, PUNCH_INCONCLUSIVE, CAUSE_PEER_IS_SELF);
    else
        send_pair(p, now);
}

static void on_timer(struct punch *p, nsec now)
{
    if (p->started == 0) {
        start(p, now);
        return;
    }
    if (now >= p->next_attempt)
        send_pair(p, now);
    if (now >= p->next_server_check)
        check_server(p, now);
    if (now >= p->next_echo)
        send_echo(p, now);
    if (now >= p->give_up)
        conclude_silence(p, now);
}

/* What was sent under TAG; NULL = nothing was. */
static const struct punch_sent *find_sent(const struct punch *p, uint32_t tag)
{
    return tag < p->sent_count ? &p->sent[tag] : NULL;
}

static void on_sent(struct punch *p, const struct observation *o)
{
    const struct punch_sent *sent = find_sent(p, o->tag);
    unsigned n;

    if (sent == NULL)
        return;
    n = sent->index;
    switch (sent->what) {
    case PUNCH_SENT_DIRECT:
        if (p->attempts[n].sent_direct == 0) {
            p->attempts[n].sent_direct = o->when;
            step_sent(p, STEP_DIRECT_BUBBLE, n, o);
        }
        break;
    case PUNCH_SENT_INDIRECT:
        if (p->attempts[n].sent_indirect == 0) {
            p->attempts[n].sent_indirect = o->when;
            step_sent(p, STEP_INDIRECT_BUBBLE, n, o);
        }
        break;
    case PUNCH_SENT_ECHO:
        if (p->echo_sent[n] == 0) {
            p->echo_sent[n] = o->when;
            if (p->result.steps[STEP_DATA].state == STEP_MISSING)
                step_sent(p, STEP_DATA, p->answered_attempt, o);
        }
        break;
    case PUNCH_SENT_SERVER_CHECK:
    case PUNCH_SENT_REFERENCE:
        break;
    }
}

static void on_icmp(struct punch *p, const struct observation *o)
{
    bool direct = endpoint_equal(o->to, p->peer.mapped);
    bool server = endpoint_equal(o->to, p->peer_server);

    if (o->socket != 0 || (!direct && !server))
        return;
    /* With --ttl the direct bubble is meant to die on the way. */
    if (direct && o->icmp.type == ICMP4_TIME_EXCEEDED && p->config.ttl != 0)
        return;
    tell_note(p, o->when, direct ? NOTE_DIRECT_ICMP : NOTE_SERVER_ICMP, o->to, o->icmp);
    /* An error for the indirect bubble is the graver news: it outranks one for the direct. */
    if (!p->result.has_icmp || server) {
        p->result.has_icmp = true;
        p->result.icmp_from_direct = direct;
        p->result.icmp = o->icmp;
    }
    /* Without the peer's server only a direct answer can still come, and that within a round trip.
     */
    if (server && !p->result.peer_server_alive &&
        p->result.steps[STEP_ANSWER].state == STEP_MISSING) {
        p->next_attempt = p->next_server_check = NSEC_NEVER;
        p->give_up = nsec_min(p->give_up, o->when + patience(p));
    }
}

static void on_send_failed(struct punch *p, const struct observation *o)
{
    const struct punch_sent *sent = find_sent(p, o->tag);

    if (sent == NULL || (sent->what != PUNCH_SENT_DIRECT && sent->what != PUNCH_SENT_INDIRECT))
        return; /* the silence that follows is judged */
    p->result.errnum = o->errnum;
    conclude(p, o->when, PUNCH_NOT_PUNCHED, CAUSE_SEND_FAILED);
}

static void observe(struct engine *engine, const struct observation *o, struct outbox *out)
{
    struct punch *p = (struct punch *)engine;

    if (p->done)
        return;
    p->out = out;
    switch (o->kind) {
    case OBSERVED_TIMER:
        on_timer(p, o->when);
        break;
    case OBSERVED_SENT:
        on_sent(p, o);
        break;
    case OBSERVED_RECEIVED:
        if (o->packet != NULL)
            on_received(p, o);
        break;
    case OBSERVED_ICMP_ERROR:
        on_icmp(p, o);
        break;
    case OBSERVED_SEND_FAILED:
        on_send_failed(p, o);
        break;
    case OBSERVED_STOP:
        if (p->started == 0)
            p->started = o->when;
        conclude(p, o->when, PUNCH_INCONCLUSIVE, CAUSE_INTERRUPTED);
        break;
    case OBSERVED_SEEN: /* of captures, which this engine is not fed from */
        break;
    }
}

static nsec deadline(const struct engine *engine)
{
    const struct punch *p = (const struct punch *)engine;

    if (p->done)
        return NSEC_NEVER;
    return nsec_min(nsec_min(p->next_attempt, p->give_up),
                    nsec_min(p->next_echo, p->next_server_check));
}

static void waiting(const struct engine *engine, struct waiting *out)
{
    const struct punch *p = (const struct punch *)engine;
    bool answered = p->result.steps[STEP_ANSWER].state != STEP_MISSING;
    nsec left = (nsec)(p->config.attempts - p->attempt_count);

    *out = (struct waiting){.whom = p->peer.mapped, .since = p->started, .until = NSEC_NEVER};
    if (p->done || p->started == 0)
        return;
    out->what = answered ? WAITING_FOR_ECHO : WAITING_FOR_PEER;
    out->try = answered ? p->echoes : p->attempt_count;
    out->tries = answered ? (unsigned)PUNCH_MAX_ECHOES : p->config.attempts;
    if (!answered && p->give_up != NSEC_NEVER)
        out->until = p->give_up;
    else if (!answered && p->next_attempt != NSEC_NEVER)
        out->until = p->next_attempt + (left - 1) * PUNCH_INTERVAL + nsec_max(patience(p), NSEC_S);
}

bool punch_init(struct punch *p, const struct punch_config *config)
{
    static const struct engine_ops ops = {observe, deadline, waiting};
    struct teredo_addr peer;

    if (!teredo_addr_decode(&config->peer, &peer))
        return false;
    *p = (struct punch){.engine = {&ops}, .config = *config};
    if (p->config.attempts == 0 || p->config.attempts > PUNCH_MAX_ATTEMPTS)
        p->config.attempts = PUNCH_MAX_ATTEMPTS;
    p->peer = peer;
    p->peer_server = (struct endpoint){peer.server, config->server_port};
    p->reference_source = link_local_random(&p->config.nonces);
    p->next_attempt = p->give_up = p->next_echo = p->next_server_check = NSEC_NEVER;
    nonce_take(&p->config.nonces, &p->echo_id, sizeof p->echo_id);
    nonce_take(&p->config.nonces, p->echo_data, sizeof p->echo_data);
    nonce_take(&p->config.nonces, p->server_nonce, sizeof p->server_nonce);
    p->result.peer = config->peer;
    p->result.peer_mapped = peer.mapped;
    p->result.peer_server = p->peer_server;
    p->result.server = config->server;
    p->result.local = config->local;
    p->result.mapped = config->mapped;
    p->result.own = config->own;
    p->result.own_nat = config->own_nat;
    p->result.direct_ttl = config->ttl;
    /* Our own server answered our qualification a moment ago. */
    p->result.peer_server_alive = endpoint_equal(p->peer_server, config->server);
    return true;
}
