#include <string.h>

#include "evidence_words.h"
#include "json_parts.h"

static json_t *json_finding(enum finding finding)
{
    return finding == FINDING_YES  ? json_true()
           : finding == FINDING_NO ? json_false()
                                   : json_null();
}

static json_t *json_word(const char *code)
{
    return code != NULL ? json_string(code) : json_null();
}

static json_t *json_address(uint32_t address)
{
    char buf[IP4_STRLEN];

    return address != 0 ? json_string(ip4_format(address, buf)) : json_null();
}

static json_t *json_evidence(const struct classification *c)
{
    json_t *list = json_array();
    char sent[EVIDENCE_STRLEN], received[EVIDENCE_STRLEN];

    for (unsigned i = 0; i < c->evidence_count; i++) {
        const struct classify_evidence *e = &c->evidence[i];

        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:f, s:o, s:o}", "test",
                            classify_test_code(e->test), "sent", evidence_sent(e, sent), "received",
                            evidence_received(e, received), "proves", classify_proof_text(e->proof),
                            "sent_count", (int)e->sent, "received_count", (int)e->answered,
                            "controls", (int)e->references, "controls_received",
                            (int)e->references_answered, "sent_at_s", nsec_seconds(e->sent_at),
                            "delay_s", json_seconds(e->delay, e->delay > 0), "odds",
                            e->odds > 0 ? json_real(e->odds) : json_null()));
    }
    return list;
}

static json_t *json_punching(const struct classification *c)
{
    struct punch_prospect prospects[CLASSIFY_PEERS];
    json_t *list = json_array();

    punch_prospects(c, prospects);
    for (int i = 0; i < CLASSIFY_PEERS; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "peer", prospects[i].peer,
                                              "outcome", punch_outcome_code(prospects[i].outcome),
                                              "needs", prospects[i].needs));
    return list;
}

void json_add_classification(json_t *o, const struct classification *c)
{
    const struct mapping_lifetime *m = &c->lifetime;

    json_object_set_new(o, "verdict", json_string(classify_verdict_code(c->verdict)));
    json_object_set_new(o, "reachability", json_string(classify_reach_code(c->reach)));
    json_object_set_new(o, "nat", json_string(nat_name_code(c->nat)));
    json_object_set_new(o, "rfc4380", json_string(rfc4380_name(c)));
    json_object_set_new(o, "rfc3489", json_string(rfc3489_name(c)));
    json_object_set_new(o, "netsh", json_string(netsh_name(c)));
    json_object_set_new(o, "translated", json_finding(c->translated));
    json_object_set_new(o, "mapping", json_string(nat_depends_code(c->mapping)));
    json_object_set_new(o, "filtering", json_string(nat_depends_code(c->filtering)));
    json_object_set_new(o, "port_allocation", json_word(port_allocation_code(c->ports)));
    json_object_set_new(o, "port_step",
                        c->ports == PORTS_SEQUENTIAL ? json_integer(c->port_step) : json_null());
    json_object_set_new(o, "hairpinning", json_finding(c->hairpinning));
    json_object_set_new(o, "pooling", json_word(address_pooling_code(c->pooling)));
    json_object_set_new(o, "shared_space_router", json_address(c->shared_space_router));
    json_object_set_new(o, "unsteady", json_boolean(c->unsteady));
    json_object_set_new(o, "interrupted", json_boolean(c->interrupted));
    json_object_set_new(o, "lifetime_s",
                        m->measured ? json_bounds(m->at_least, m->at_most) : json_null());
    json_object_set_new(o, "refreshed_by_outbound", json_finding(m->outbound_refreshes));
    json_object_set_new(o, "refreshed_by_inbound", json_finding(m->inbound_refreshes));
    json_object_set_new(o, "server", json_endpoint(c->server));
    json_object_set_new(o, "secondary", json_endpoint(c->secondary));
    json_object_set_new(o, "local", json_endpoint(c->local));
    json_object_set_new(o, "mapped", json_endpoint(c->mapped));
    json_object_set_new(o, "mapped_secondary", json_endpoint(c->mapped_secondary));
    json_object_set_new(o, "loss",
                        c->references > 0
                            ? json_real(1 - (double)c->references_answered / (double)c->references)
                            : json_null());
    json_object_set_new(o, "error_odds", json_real(c->error_odds));
    json_object_set_new(o, "rtt_s", json_seconds(c->rtt, c->rtt > 0));
    json_object_set_new(o, "elapsed_s", json_seconds(c->elapsed, true));
    json_object_set_new(o, "sent", json_integer(c->sent));
    json_object_set_new(o, "received", json_integer(c->received));
    json_object_set_new(o, "icmp", json_icmp(c->has_icmp, c->icmp));
    json_object_set_new(o, "system_error",
                        c->errnum != 0 ? json_string(strerror(c->errnum)) : json_null());
    json_object_set_new(o, "evidence", json_evidence(c));
    json_object_set_new(o, "punching", json_punching(c));
    json_object_set_new(o, "text",
                        json_string(c->nat == NAT_NAME_UNKNOWN && c->reach != REACH_BOTH
                                        ? classify_reach_text(c->reach)
                                        : nat_name_text(c->nat)));
    json_object_set_new(o, "advice", json_string(classification_advice(c)));
}
