#include "punch.h"

#include <string.h>

#include "refusal.h"

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
                                         .rtt = p->result.rtt,
                                         .by_bubble = (p->evidence & EVIDENCE(ECHO_REPLY)) == 0}});
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
    p->result.evidence |= p->evidence;
    p->result.elapsed = now - p->started;
    p->done = true;
    outbox_emit(p->out,
                &(struct event){.kind = EVENT_PUNCHING, .when = now, .punching = p->result});
    outbox_done(p->out);
}

/* How long what was sent has time to be answered, by the slowest answer that has come: a way by
 * two servers is as long as two round trips to ours, as a rule. */
static nsec settle_time(const struct punch *p)
{
    return nsec_max(2 * nsec_max(p->slowest, p->config.server_rtt) + 50 * NSEC_MS, 100 * NSEC_MS);
}

/* What of the checks was answered, and what was not though its kind is. */
static void add_checks(const struct punch *p, nsec before, struct punch_facts *f)
{
    for (unsigned i = 0; i < p->check_count; i++) {
        const struct punch_check *c = &p->checks[i];
        bool counts = c->own ? p->own_answers : p->way_answers[c->way];

        if (c->answered)
            f->seen.came[2]++;
        else if (counts && c->asked <= before)
            f->seen.missing[2]++;
        else if (!c->own && c->way == PUNCH_SOLICIT && c->asked <= before)
            f->server_asked++;
    }
}

/* Who has answered one bubble through a server can answer the others. */
static void add_pairs(const struct punch *p, nsec before, struct punch_facts *f)
{
    for (unsigned i = 0; i < p->attempt_count; i++) {
        const struct punch_attempt *a = &p->attempts[i];
        bool could = !ip6_is_link_local(&a->mark.source) && p->result.indirect_answers > 0;

        if (a->answered_indirectly)
            f->seen.came[4]++;
        if (a->asked > before)
            continue;
        f->pairs++;
        f->indirect += a->answered_indirectly;
        f->seen.missing[4] += could && !a->answered_indirectly;
        f->opened += (a->again != 0 && a->again <= before) +
                     (p->first_indirect != 0 && a->asked > p->first_indirect);
        if (p->config.reference_ttl != 0) {
            f->references++;
            f->references_answered += p->reference_answered[i];
        }
    }
    if (f->references_answered > 0) {
        f->seen.came[4] += f->references_answered;
        f->seen.missing[4] += f->references - f->references_answered;
    }
}

/* Behind a symmetric NAT our data comes from a mapping that the peer has not seen. It believes that
 * for the last nonce that it has sent, which its indirect answer to our last pair brings. */
static bool can_show_where_we_are(const struct punch *p)
{
    return p->config.own_nat != QUALIFY_NAT_SYMMETRIC ||
           (p->has_peer_nonce && !p->peer_nonces_differ &&
            p->attempts[p->attempt_count - 1].answered_indirectly);
}

/* All that is known at NOW, but for what may still be answered. */
static struct punch_facts facts_at(const struct punch *p, nsec now)
{
    struct punch_facts f = {.evidence = p->evidence};
    nsec before = now - settle_time(p);

    f.seen.came[2] = p->config.advertisements;
    if (p->config.solicitations > p->config.advertisements)
        f.seen.missing[2] = p->config.solicitations - p->config.advertisements;
    add_checks(p, before, &f);
    add_pairs(p, before, &f);
    if (p->result.steps[STEP_ANSWER].state != STEP_MISSING)
        f.seen.came[4]++;
    if ((p->evidence & EVIDENCE(ECHO_REPLY)) == 0 && can_show_where_we_are(p))
        for (unsigned i = 0; i < p->echoes; i++)
            f.echoes += p->echo_asked[i] <= before;
    if ((p->evidence & EVIDENCE(BUBBLE_REPLY)) != 0)
        f.seen.came[4]++;
    return f;
}

static void keep(struct punch *p, const struct punch_judgement *j)
{
    p->result.blame = j->blame;
    p->result.evidence = j->evidence;
    p->result.loss_asked = j->asked;
    p->result.loss_answered = j->answered;
    p->result.loss_odds = j->odds;
}

/* Time is up, or the evidence suffices. */
static void conclude_judged(struct punch *p, nsec now, const struct punch_judgement *j)
{
    keep(p, j);
    /* The server forwarded the reference's bubbles, so it did ours: what is missing is step 4. */
    if (j->cause == CAUSE_PEER_NAT_TRIPS && p->result.steps[STEP_FORWARDED].state == STEP_MISSING)
        set_forwarded(p, p->result.steps[STEP_INDIRECT_BUBBLE].when, now);
    conclude(p, now, j->verdict, j->cause);
}

static void conclude_by_facts(struct punch *p, nsec now)
{
    struct punch_facts facts = facts_at(p, now);
    struct punch_judgement j = punch_judge(&facts);

    conclude_judged(p, now, &j);
}

/* Two pairs have had their time: what they prove needs no third. */
static void conclude_if_proven(struct punch *p, nsec now)
{
    struct punch_facts facts = facts_at(p, now);
    struct punch_judgement j = punch_judge(&facts);

    p->judged = p->attempt_count;
    if (j.verdict == PUNCH_NOT_PUNCHED && j.proven)
        conclude_judged(p, now, &j);
}

/* How long an answer to something sent now may reasonably take. */
static nsec patience(const struct punch *p)
{
    /* A's path through the peer's server is as long as two of ours, as a rule; the rest is for
     * slow servers and peers. */
    return nsec_max(4 * p->config.server_rtt, 500 * NSEC_MS);
}

/* Behind a symmetric NAT our own Teredo address does not name the endpoint that the peer's server
 * sees, unless that server is our own, and the server would discard the bubble (RFC 4380 5.3.1,
 * rule 5). */
static bool passes_there(const struct punch *p)
{
    return p->config.own_nat != QUALIFY_NAT_SYMMETRIC || p->has_source_there ||
           endpoint_equal(p->peer_server, p->config.server);
}

static bool asks_link_local(const struct punch *p, unsigned attempt)
{
    /* Who answers through a server knows RFC 6081 and repeats nonces; and it can do so again only
     * for a bubble from a Teredo address, which names the server. */
    return p->config.ask == PUNCH_ASK_LINK_LOCAL ||
           (p->config.ask == PUNCH_ASK_AUTO &&
            ((attempt % 2 == 1 && p->result.indirect_answers == 0) || !passes_there(p)));
}

static void prepare_attempt(struct punch *p, unsigned n, nsec now)
{
    struct punch_mark *mark = &p->attempts[n].mark;

    p->attempts[n] = (struct punch_attempt){
        .mark.source = p->has_source_there ? p->source_there : p->config.own, .asked = now};
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
    if (p->sent_count == PUNCH_TAGS)
        return;
    request.tag = p->sent_count;
    p->sent[p->sent_count++] = sent;
    outbox_send_packet(p->out, request, packet);
}

/* RFC 6081 5.2.4.2: a direct bubble repeats the nonce of the peer's last indirect bubble, and has
 * none before there was one. */
static void send_direct(struct punch *p, struct punch_sent sent, const struct in6_addr *source)
{
    struct teredo_packet bubble;
    uint8_t nonce[4];

    teredo_make_bubble(&bubble, source, &p->config.peer);
    if (p->has_peer_nonce && p->config.ask != PUNCH_ASK_ENDPOINT)
        teredo_add_nonce_trailer(&bubble, p->peer_nonce, nonce);
    if (sent.what == PUNCH_SENT_BUBBLE && p->config.ask != PUNCH_ASK_ENDPOINT)
        teredo_add_nd_solicitation(&bubble);
    send_packet(p, sent, (struct send_request){.to = p->peer.mapped, .ttl = p->config.ttl},
                &bubble);
}

/* The bubble pair of attempt N, the direct bubble first: our NAT must be open before the peer's
 * answer arrives. The indirect one has a nonce of its own (RFC 6081 5.2.4.1). */
static void send_bubbles(struct punch *p, unsigned n)
{
    const struct punch_mark *mark = &p->attempts[n].mark;
    struct teredo_packet bubble;
    uint8_t nonce[4];

    send_direct(p, (struct punch_sent){PUNCH_SENT_DIRECT, n}, &mark->source);
    teredo_make_bubble(&bubble, &mark->source, &p->config.peer);
    if (mark->has_nonce)
        teredo_add_nonce_trailer(&bubble, mark->nonce, nonce);
    send_packet(p, (struct punch_sent){PUNCH_SENT_INDIRECT, n},
                (struct send_request){.to = p->peer_server}, &bubble);
}

/* Before the pair that it is compared with: the peer's answer to it must not meet what the direct
 * bubble does to the peer's NAT. Without a NAT of ours it has no router to pass. */
static void send_reference(struct punch *p)
{
    const struct punch_sent sent = {PUNCH_SENT_REFERENCE, p->attempt_count - 1};
    uint8_t ttl = p->config.own_nat == QUALIFY_NAT_NONE ? 1 : p->config.reference_ttl;
    struct teredo_packet bubble;

    teredo_make_bubble(&bubble, &p->reference_source, &p->config.peer);
    send_packet(p, sent, (struct send_request){.socket = 1, .to = p->peer.mapped, .ttl = ttl},
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
    prepare_attempt(p, n, now);
    p->result.attempts = p->attempt_count;
    send_bubbles(p, n);
    if (p->attempt_count < p->config.attempts) {
        p->next_attempt = now + PUNCH_INTERVAL;
    } else {
        p->next_attempt = NSEC_NEVER;
        p->give_up = now + nsec_max(patience(p), NSEC_S);
    }
    if (p->next_check == NSEC_NEVER && p->check_count == 0)
        p->next_check = nsec_min(now + patience(p), p->give_up);
}

/* RFC 6081's further direct bubble, once the peer's indirect answer shows that its NAT has opened:
 * one an attempt. */
static void send_again(struct punch *p, unsigned n, nsec now)
{
    struct punch_attempt *a = &p->attempts[n];

    if (a->again != 0)
        return;
    a->again = now;
    send_direct(p, (struct punch_sent){PUNCH_SENT_BUBBLE, n},
                ip6_is_link_local(&a->mark.source) ? &p->config.own : &a->mark.source);
}

/* Where our data comes from: the address that the answered bubbles had, if it is a Teredo one. */
static const struct in6_addr *data_source(const struct punch *p)
{
    const struct in6_addr *source = &p->attempts[p->answered_attempt].mark.source;

    return ip6_is_link_local(source) ? &p->config.own : source;
}

/* A direct bubble from the port that the data leaves from to where the answer came from. Its fresh
 * nonce, or the solicitation, can be answered where echo requests are filtered (RFC 6081 5.7). A
 * peer that has not seen this mapping of ours yet must be shown a nonce that it knows. */
static void send_beside_echo(struct punch *p, unsigned n)
{
    const struct punch_mark *mark = &p->attempts[p->answered_attempt].mark;
    struct teredo_packet bubble;
    uint8_t nonce[4];

    nonce_take(&p->config.nonces, &p->fresh[n], sizeof p->fresh[n]);
    p->is_fresh[n] = p->config.own_nat != QUALIFY_NAT_SYMMETRIC || n % 2 == 1;
    teredo_make_bubble(&bubble, data_source(p), &p->config.peer);
    if (p->is_fresh[n])
        teredo_add_nonce_trailer(&bubble, p->fresh[n], nonce);
    else if (p->has_peer_nonce)
        teredo_add_nonce_trailer(&bubble, p->peer_nonce, nonce);
    else
        teredo_add_nonce_trailer(&bubble, mark->nonce, nonce);
    teredo_add_nd_solicitation(&bubble);
    send_packet(p, (struct punch_sent){PUNCH_SENT_BUBBLE, n},
                (struct send_request){.to = p->result.answered_from}, &bubble);
}

/* Echo requests that stay unanswered where bubbles are answered: it is the peer that filters them,
 * once there were a few. */
static bool has_enough_echoes(const struct punch *p)
{
    enum {
        ENOUGH = 4
    };

    return p->echoes == PUNCH_MAX_ECHOES ||
           (p->echoes >= ENOUGH && (p->evidence & EVIDENCE(BUBBLE_REPLY)) != 0);
}

static void send_echo(struct punch *p, nsec now)
{
    struct teredo_packet echo;
    uint8_t buf[8 + PUNCH_ECHO_DATA];
    const struct step_report *answer = &p->result.steps[STEP_ANSWER];
    nsec wait = nsec_max(3 * (answer->when - origin(p)), 250 * NSEC_MS);

    if (has_enough_echoes(p)) {
        conclude_by_facts(p, now);
        return;
    }
    if (p->config.ask != PUNCH_ASK_ENDPOINT)
        send_beside_echo(p, p->echoes);
    teredo_make_echo(&echo, data_source(p), &p->config.peer,
                     &(struct teredo_echo){ICMP6_TYPE_ECHO_REQUEST, p->echo_id, (uint16_t)p->echoes,
                                           p->echo_data, sizeof p->echo_data},
                     buf);
    send_packet(p, (struct punch_sent){PUNCH_SENT_ECHO, p->echoes},
                (struct send_request){.to = p->result.answered_from}, &echo);
    p->echo_asked[p->echoes] = now;
    p->next_echo = now + nsec_min(wait << p->echoes, NSEC_S);
    if (++p->echoes == 2)
        p->next_check = now;
}

/* The Teredo address of a client of the peer's server at our endpoint: passes rule 5 there, and is
 * where that server relays to (RFC 4380 5.3.1). */
static struct in6_addr address_there(const struct punch *p)
{
    struct teredo_addr own = {.prefix = TEREDO_PREFIX};
    struct in6_addr address;

    teredo_addr_decode(&p->config.own, &own);
    own.server = p->peer.server;
    own.mapped =
        endpoint_is_unset(p->result.mapped_there) ? p->config.mapped : p->result.mapped_there;
    teredo_addr_encode(&own, &address);
    return address;
}

/* What of a check's nonce fits a bubble's trailer. */
static uint32_t trailer_nonce_of(const struct punch_check *c)
{
    uint32_t nonce;

    memcpy(&nonce, c->nonce, sizeof nonce);
    return nonce;
}

/* The way to ask the peer's server this time: the one that it answers, else each in turn, once
 * solicitations have had their time. */
static enum punch_way choose_way(const struct punch *p, nsec now)
{
    for (unsigned way = 0; way < PUNCH_WAYS; way++)
        if (p->way_answers[way])
            return (enum punch_way)way;
    if (now - p->checks[0].asked < settle_time(p))
        return PUNCH_SOLICIT;
    return (enum punch_way)(p->check_count / 2 % PUNCH_WAYS);
}

static void send_check(struct punch *p, const struct punch_check *c)
{
    const struct punch_sent sent = {PUNCH_SENT_CHECK, 0};
    struct send_request request = {.to = c->own ? p->config.server : p->peer_server};
    struct in6_addr there = address_there(p), server, source;
    struct teredo_packet packet;
    struct rs_identity nobody = {0};
    struct rs_room room;
    uint8_t buf[8 + PUNCH_CHECK_NONCE], nonce[4];

    switch (c->way) {
    case PUNCH_SOLICIT:
        rs_make(&packet, &teredo_rs_source, c->nonce, c->own ? &p->config.identity : &nobody,
                &room);
        send_packet(p, sent, request, &packet);
        break;
    case PUNCH_ECHO:
        server = teredo_link_local(TEREDO_FLAG_CONE, p->peer_server);
        teredo_make_echo(&packet, &there, &server,
                         &(struct teredo_echo){ICMP6_TYPE_ECHO_REQUEST, p->echo_id, 0, c->nonce,
                                               PUNCH_CHECK_NONCE},
                         buf);
        send_packet(p, sent, request, &packet);
        break;
    case PUNCH_SELF_BUBBLE:
    case PUNCH_WAYS:
        /* From an interface to itself: so it is told from every hole punch. The prefix is that of
         * the link, for a server need not see us at the endpoint that our address names. */
        source = (struct in6_addr){.s6_addr = {0xfe, 0x80}};
        memcpy(&source.s6_addr[8], &there.s6_addr[8], 8);
        teredo_make_bubble(&packet, &source, &there);
        teredo_add_nonce_trailer(&packet, trailer_nonce_of(c), nonce);
        send_packet(p, sent, request, &packet);
        break;
    }
}

/* Asks our server and the peer's by turns: does it live, and how much is lost? */
static void check_server(struct punch *p, nsec now)
{
    bool same = endpoint_equal(p->peer_server, p->config.server);
    struct punch_check *c = &p->checks[p->check_count];

    p->next_check = NSEC_NEVER;
    if (p->check_count == PUNCH_MAX_CHECKS)
        return;
    *c = (struct punch_check){.own = same || p->check_count % 2 == 1, .asked = now};
    c->way = c->own ? PUNCH_SOLICIT : choose_way(p, now);
    nonce_take(&p->config.nonces, c->nonce, sizeof c->nonce);
    if (!p->result.peer_server_checked && !p->result.peer_server_alive)
        tell_note(p, now, NOTE_SERVER_CHECK, p->peer_server, no_icmp);
    if (!c->own || same)
        p->result.peer_server_checked = true;
    send_check(p, c);
    if (++p->check_count < PUNCH_MAX_CHECKS)
        p->next_check = now + PUNCH_CHECK_INTERVAL;
    /* The last bubble pair's patience is the first checks' as well. */
    if (p->give_up != NSEC_NEVER && p->check_count <= 8)
        p->give_up = nsec_max(p->give_up, now + patience(p));
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
    if (ip6_equal(destination, &p->config.own) ||
        (p->has_source_there && ip6_equal(destination, &p->source_there)))
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
    p->evidence |= EVIDENCE(DIRECT_ANSWER);
    if (proof == PROOF_NONCE && p->config.ask != PUNCH_ASK_ENDPOINT)
        p->evidence |= EVIDENCE(NONCE_REPEATED);
    if (!endpoint_equal(o->from, p->peer.mapped))
        p->evidence |= EVIDENCE(ANSWER_ELSEWHERE);
    p->slowest = nsec_max(p->slowest, (o->when - p->attempts[attempt].asked) / 2);
    p->next_attempt = p->give_up = p->next_check = NSEC_NEVER;
    send_echo(p, o->when);
}

/* No better proof has come than that of the endpoint. */
static void take_weak_answer(struct punch *p, nsec now)
{
    struct observation o = {.when = now, .from = p->weak_from};

    take_answer(p, &o, PROOF_ENDPOINT, p->weak_attempt);
}

static bool is_our_echo_reply(const struct punch *p, const struct teredo_packet *packet)
{
    return packet->kind == TEREDO_ECHO_REPLY && packet->icmp6.echo.id == p->echo_id &&
           packet->icmp6.echo.sequence < p->echoes &&
           packet->icmp6.echo.size == sizeof p->echo_data &&
           memcmp(packet->icmp6.echo.data, p->echo_data, sizeof p->echo_data) == 0;
}

static void step_data(struct punch *p, const struct observation *o, nsec sent)
{
    struct step_report *report = &p->result.steps[STEP_DATA];

    report->state = STEP_RECEIVED;
    report->when = o->when;
    report->from = o->from;
    report->to = p->config.local;
    if (sent != 0)
        p->result.rtt = o->when - sent;
    tell_step(p, STEP_DATA, p->answered_attempt, o->when);
}

static void take_echo_reply(struct punch *p, const struct observation *o)
{
    p->evidence |= EVIDENCE(ECHO_REPLY);
    step_data(p, o, p->echo_sent[o->packet->icmp6.echo.sequence]);
    conclude_by_facts(p, o->when);
}

/* A direct bubble that only the arrival of one of ours can have caused: it repeats a fresh nonce,
 * or is the advertisement that ours has solicited. It may outrun the echo's reply. */
static void take_bubble_reply(struct punch *p, const struct observation *o)
{
    uint32_t nonce;
    uint8_t type;
    bool repeats = false;
    unsigned n = p->echoes - 1;

    if (o->packet->kind != TEREDO_BUBBLE || (p->evidence & EVIDENCE(BUBBLE_REPLY)) != 0 ||
        p->config.ask == PUNCH_ASK_ENDPOINT)
        return;
    if (teredo_trailer_nonce(o->packet, &nonce))
        for (unsigned i = 0; i < p->echoes && !repeats; i++)
            if (p->is_fresh[i] && p->fresh[i] == nonce) {
                repeats = true;
                n = i;
            }
    if (!repeats && !(teredo_trailer_nd(o->packet, &type) && type == ND_TRAILER_ADVERTISEMENT &&
                      endpoint_equal(o->from, p->result.answered_from)))
        return;
    p->evidence |= EVIDENCE(BUBBLE_REPLY);
    step_data(p, o, p->echo_sent[n]);
}

/* An answer to an earlier pair may come later, and a copy of one bubble has an answer of its own.
 */
static void take_peer_nonce(struct punch *p, const struct teredo_packet *packet, unsigned attempt)
{
    uint32_t nonce = 0;
    bool has_nonce = teredo_trailer_nonce(packet, &nonce);

    if (attempt > p->peer_nonce_attempt)
        p->has_peer_nonce = p->peer_nonces_differ = false;
    p->peer_nonces_differ = p->peer_nonces_differ || (p->has_peer_nonce && nonce != p->peer_nonce);
    p->has_peer_nonce = has_nonce;
    p->peer_nonce = nonce;
    p->peer_nonce_attempt = attempt;
}

/* From the peer, but through our own server, or its own: it lives, and our bubble reached it. */
static void take_indirect(struct punch *p, const struct observation *o)
{
    const struct teredo_packet *packet = o->packet;
    unsigned attempt;
    enum punch_proof proof = find_proof(p, o, &attempt);
    nsec took = o->when - p->attempts[attempt].asked;

    p->attempts[attempt].answered_indirectly = true;
    p->evidence |= EVIDENCE(INDIRECT_ANSWER);
    if (proof == PROOF_NONCE && p->config.ask != PUNCH_ASK_ENDPOINT)
        p->evidence |= EVIDENCE(NONCE_REPEATED);
    if (took < PUNCH_INTERVAL)
        p->slowest = nsec_max(p->slowest, took / 2);
    if (p->first_indirect == 0) {
        p->first_indirect = o->when;
        /* The direct answer left at the same time. */
        if (p->check_count == 0 && p->result.steps[STEP_ANSWER].state == STEP_MISSING)
            p->next_check = o->when + settle_time(p);
    }
    /* The origin is the peer as our server sees it; the nonce shows that it is the peer. */
    if (packet->has_origin && (proof == PROOF_NONCE || proof == PROOF_LINK_LOCAL) &&
        endpoint_equal(o->from, p->config.server)) {
        p->result.peer_origin = packet->origin;
        if (!endpoint_equal(packet->origin, p->peer.mapped) &&
            !endpoint_equal(p->config.server, p->peer_server))
            p->evidence |= EVIDENCE(PEER_MAPS_ANEW);
    }
    if (attempt >= p->peer_nonce_attempt)
        take_peer_nonce(p, packet, attempt);
    if (p->result.indirect_answers++ == 0 && p->result.steps[STEP_ANSWER].state == STEP_MISSING) {
        tell_note(p, o->when, NOTE_INDIRECT_ANSWER, o->from, no_icmp);
        infer_forwarding(p, attempt, o);
    }
    if (p->result.steps[STEP_ANSWER].state == STEP_MISSING)
        send_again(p, attempt, o->when);
}

/* Whether PROOF is what --proof asks for. */
static bool is_asked_proof(const struct punch *p, enum punch_proof proof)
{
    switch (p->config.ask) {
    case PUNCH_ASK_NONCE:
        return proof == PROOF_NONCE;
    case PUNCH_ASK_LINK_LOCAL:
        return proof == PROOF_NONCE || proof == PROOF_LINK_LOCAL;
    case PUNCH_ASK_AUTO:
    case PUNCH_ASK_ENDPOINT:
        break;
    }
    return proof != PROOF_NONE;
}

static void take_direct(struct punch *p, const struct observation *o)
{
    unsigned attempt;
    enum punch_proof proof = find_proof(p, o, &attempt);

    if (p->result.steps[STEP_ANSWER].state == STEP_RECEIVED) {
        if (is_our_echo_reply(p, o->packet))
            take_echo_reply(p, o);
        else
            take_bubble_reply(p, o);
        return;
    }
    if (is_asked_proof(p, proof)) {
        take_answer(p, o, proof, attempt);
        return;
    }
    if (proof != PROOF_NONE) {
        p->has_weak_answer = true;
        p->weak_from = o->from;
        p->weak_attempt = attempt;
        return;
    }
    if (!endpoint_equal(p->result.unproven_from, o->from))
        tell_note(p, o->when, NOTE_UNPROVEN, o->from, no_icmp);
    p->result.unproven_from = o->from;
    p->evidence |= EVIDENCE(UNPROVEN_ANSWER);
}

static bool answers_check(const struct punch *p, const struct punch_check *c,
                          const struct observation *o)
{
    const struct teredo_packet *packet = o->packet;
    uint32_t nonce;

    if (!endpoint_equal(o->from, c->own ? p->config.server : p->peer_server))
        return false;
    switch (c->way) {
    case PUNCH_SOLICIT:
        return packet->kind == TEREDO_RA && packet->has_auth &&
               memcmp(packet->auth.nonce, c->nonce, sizeof c->nonce) == 0;
    case PUNCH_ECHO:
        return packet->kind == TEREDO_ECHO_REPLY && packet->icmp6.echo.size == sizeof c->nonce &&
               memcmp(packet->icmp6.echo.data, c->nonce, sizeof c->nonce) == 0;
    case PUNCH_SELF_BUBBLE:
    case PUNCH_WAYS:
        break;
    }
    return packet->kind == TEREDO_BUBBLE &&
           ip6_same_interface(&packet->ip6.source, &packet->ip6.destination) &&
           teredo_trailer_nonce(packet, &nonce) && nonce == trailer_nonce_of(c);
}

/* The peer's server answers, and may say where it sees us. Behind a symmetric NAT that makes an
 * address that passes there. */
static void take_life(struct punch *p, const struct punch_check *c, const struct observation *o)
{
    if (!p->result.peer_server_alive)
        tell_note(p, o->when, NOTE_SERVER_ALIVE, o->from, no_icmp);
    p->result.peer_server_alive = true;
    p->evidence |= EVIDENCE(PEER_SERVER_ALIVE);
    p->way_answers[c->way] = true;
    if (!o->packet->has_origin)
        return;
    p->result.mapped_there = o->packet->origin;
    /* A server that sees us where the peer is would have us speak in the peer's name. */
    if (p->config.own_nat == QUALIFY_NAT_SYMMETRIC && !c->own &&
        !endpoint_equal(o->packet->origin, p->peer.mapped)) {
        p->source_there = address_there(p);
        p->has_source_there = true;
        if (p->attempt_count == 0)
            p->next_attempt = o->when;
    }
}

static bool take_server_reply(struct punch *p, const struct observation *o)
{
    bool same = endpoint_equal(p->peer_server, p->config.server);

    for (unsigned i = p->check_count; i > 0; i--) {
        struct punch_check *c = &p->checks[i - 1];

        if (!answers_check(p, c, o))
            continue;
        if (!c->answered)
            p->slowest = nsec_max(p->slowest, o->when - c->asked);
        c->answered = true;
        if (c->own)
            p->own_answers = true;
        if (!c->own || same)
            take_life(p, c, o);
        return true;
    }
    return false;
}

static void take_reference_answer(struct punch *p, const struct observation *o)
{
    if (p->attempt_count > 0 && endpoint_equal(o->from, p->peer.mapped) &&
        ip6_equal(&o->packet->ip6.source, &p->config.peer) &&
        ip6_equal(&o->packet->ip6.destination, &p->reference_source)) {
        p->reference_answered[p->attempt_count - 1] = true;
        p->evidence |= EVIDENCE(REFERENCE_ANSWERED);
    }
}

static bool is_server(const struct punch *p, struct endpoint from)
{
    return endpoint_equal(from, p->config.server) ||
           (p->has_source_there && endpoint_equal(from, p->peer_server));
}

static void on_received(struct punch *p, const struct observation *o)
{
    const struct teredo_packet *packet = o->packet;
    unsigned attempt;

    if (o->socket != 0) {
        take_reference_answer(p, o);
        return;
    }
    if (take_server_reply(p, o) || p->attempt_count == 0)
        return;
    if (!is_for_us(p, &packet->ip6.destination))
        return;
    if (is_server(p, o->from)) {
        /* A peer behind a symmetric NAT answers through our server from a link-local address, for
         * the server would not relay from its Teredo address. The nonce shows that it is it. */
        if (packet->kind == TEREDO_BUBBLE && (ip6_equal(&packet->ip6.source, &p->config.peer) ||
                                              find_proof(p, o, &attempt) == PROOF_NONCE))
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
    else if (passes_there(p) || p->config.ask == PUNCH_ASK_LINK_LOCAL)
        send_pair(p, now);
    else {
        /* The peer's server is to say first where it sees us. */
        p->next_check = now;
        p->next_attempt = now + patience(p);
    }
}

/* When the last pair has had its time. */
static nsec last_pair_due(const struct punch *p)
{
    const struct punch_attempt *last = &p->attempts[p->attempt_count - 1];

    return nsec_max(last->asked, last->again) + settle_time(p);
}

/* The same, once there were two. */
static nsec judging_due(const struct punch *p)
{
    if (p->attempt_count < 2 || p->judged == p->attempt_count ||
        p->result.steps[STEP_ANSWER].state != STEP_MISSING)
        return NSEC_NEVER;
    return last_pair_due(p);
}

static void give_up(struct punch *p, nsec now)
{
    if (p->has_weak_answer)
        take_weak_answer(p, now);
    else if (p->attempt_count > 0 && now < last_pair_due(p))
        p->give_up = last_pair_due(p);
    else
        conclude_by_facts(p, now);
}

static void on_timer(struct punch *p, nsec now)
{
    if (p->started == 0) {
        start(p, now);
        return;
    }
    if (now >= p->next_attempt)
        send_pair(p, now);
    if (now >= p->next_check)
        check_server(p, now);
    if (now >= p->next_echo)
        send_echo(p, now);
    if (!p->done && !p->has_weak_answer && now >= judging_due(p))
        conclude_if_proven(p, now);
    if (!p->done && now >= p->give_up)
        give_up(p, now);
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
    case PUNCH_SENT_CHECK:
    case PUNCH_SENT_BUBBLE:
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
    if (!p->result.has_icmp || (server && o->quotes_sent)) {
        p->result.has_icmp = true;
        p->result.icmp_from_direct = direct;
        p->result.icmp = o->icmp;
    }
    /* One that may be forged is told, and proves nothing beside what its silence proves. */
    if (!o->quotes_sent)
        return;
    p->evidence |= direct ? EVIDENCE(PEER_ICMP) : EVIDENCE(PEER_SERVER_ICMP);
    /* A port that is closed is so for good, a host that is not reached is a hint (RFC 1122
     * 3.2.2.1). Without the peer's server only a direct answer can still come, and that within a
     * round trip. */
    if (server &&
        refusal_of_icmp(o->icmp, o->from.address, o->to.address) == REFUSAL_PORT_UNREACHABLE &&
        !p->result.peer_server_alive && p->result.steps[STEP_ANSWER].state == STEP_MISSING) {
        if (p->attempt_count == 0)
            send_pair(p, o->when);
        p->next_attempt = p->next_check = NSEC_NEVER;
        p->give_up = nsec_min(p->give_up, o->when + patience(p));
    }
}

static void on_send_failed(struct punch *p, const struct observation *o)
{
    const struct punch_sent *sent = find_sent(p, o->tag);

    if (sent == NULL || (sent->what != PUNCH_SENT_DIRECT && sent->what != PUNCH_SENT_INDIRECT) ||
        send_failure_is_passing(o->errnum))
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
    return nsec_min(
        nsec_min(nsec_min(p->next_attempt, p->give_up), nsec_min(p->next_echo, p->next_check)),
        p->has_weak_answer ? NSEC_NEVER : judging_due(p));
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
    p->next_attempt = p->give_up = p->next_echo = p->next_check = NSEC_NEVER;
    nonce_take(&p->config.nonces, &p->echo_id, sizeof p->echo_id);
    nonce_take(&p->config.nonces, p->echo_data, sizeof p->echo_data);
    p->result.peer = config->peer;
    p->result.peer_mapped = peer.mapped;
    p->result.peer_server = p->peer_server;
    p->result.server = config->server;
    p->result.local = config->local;
    p->result.mapped = config->mapped;
    p->result.own = config->own;
    p->result.own_nat = config->own_nat;
    p->result.direct_ttl = config->ttl;
    p->result.blame = BLAME_UNKNOWN;
    p->result.loss_odds = -1;
    p->own_answers = config->advertisements > 0;
    /* Our own server answered our qualification a moment ago. */
    if (p->own_answers && endpoint_equal(p->peer_server, config->server)) {
        p->result.peer_server_alive = true;
        p->evidence |= EVIDENCE(PEER_SERVER_ALIVE);
    }
    if (config->own_nat == QUALIFY_NAT_SYMMETRIC)
        p->evidence |= EVIDENCE(OWN_MAPS_ANEW);
    if (peer.mapped.address == config->mapped.address)
        p->evidence |= EVIDENCE(SAME_ADDRESS);
    return true;
}
