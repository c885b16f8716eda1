#include "punch.h"

#include "punch_answer.h"
#include "punch_send.h"
#include "punch_verdict.h"

static void start(struct punch *p, nsec now)
{
    p->started = now;
    /* RFC 4380 5.2.4: never send to an address that is not global unicast. */
    if (!p->config.allow_private &&
        (!ip4_is_global_unicast(p->peer.mapped.address) || !ip4_is_global_unicast(p->peer.server)))
        punch_conclude(p, now, PUNCH_NOT_PUNCHED, CAUSE_PEER_NOT_GLOBAL);
    else if (p->peer.mapped.port == 0)
        punch_conclude(p, now, PUNCH_NOT_PUNCHED, CAUSE_PEER_NOT_GLOBAL);
    else if (endpoint_equal(p->peer.mapped, p->config.mapped))
        punch_conclude(p, now, PUNCH_INCONCLUSIVE, CAUSE_PEER_IS_SELF);
    else
        punch_send_pair(p, now);
}

static void on_timer(struct punch *p, nsec now)
{
    if (p->started == 0) {
        start(p, now);
        return;
    }
    if (now >= p->next_attempt)
        punch_send_pair(p, now);
    if (now >= p->next_server_check)
        punch_check_server(p, now);
    if (now >= p->next_echo)
        punch_send_echo(p, now);
    if (now >= p->give_up)
        punch_conclude_silence(p, now);
}

static void on_sent(struct punch *p, const struct observation *o)
{
    const struct punch_sent *sent = &p->sent[o->tag];
    unsigned n;

    if (o->tag >= p->sent_count)
        return;
    n = sent->index;
    switch (sent->what) {
    case PUNCH_SENT_DIRECT:
        if (p->attempts[n].sent_direct == 0) {
            p->attempts[n].sent_direct = o->when;
            punch_step_sent(p, STEP_DIRECT_BUBBLE, n, o);
        }
        break;
    case PUNCH_SENT_INDIRECT:
        if (p->attempts[n].sent_indirect == 0) {
            p->attempts[n].sent_indirect = o->when;
            punch_step_sent(p, STEP_INDIRECT_BUBBLE, n, o);
        }
        break;
    case PUNCH_SENT_ECHO:
        if (p->echo_sent[n] == 0) {
            p->echo_sent[n] = o->when;
            if (p->result.steps[STEP_DATA].state == STEP_MISSING)
                punch_step_sent(p, STEP_DATA, p->answered_attempt, o);
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
    punch_note(p, direct ? NOTE_DIRECT_ICMP : NOTE_SERVER_ICMP, o);
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
        p->give_up = nsec_min(p->give_up, o->when + punch_patience(p));
    }
}

static void on_send_failed(struct punch *p, const struct observation *o)
{
    const struct punch_sent *sent = &p->sent[o->tag];

    if (o->tag >= p->sent_count ||
        (sent->what != PUNCH_SENT_DIRECT && sent->what != PUNCH_SENT_INDIRECT))
        return; /* the silence that follows is judged */
    p->result.errnum = o->errnum;
    punch_conclude(p, o->when, PUNCH_NOT_PUNCHED, CAUSE_SEND_FAILED);
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
            punch_received(p, o);
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
        punch_conclude(p, o->when, PUNCH_INCONCLUSIVE, CAUSE_INTERRUPTED);
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
        out->until =
            p->next_attempt + (left - 1) * PUNCH_INTERVAL + nsec_max(punch_patience(p), NSEC_S);
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
