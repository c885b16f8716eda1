#include <stdlib.h>

#include "json_parts.h"
#include "packet_view.h"
#include "words.h"

json_t *json_hex(const uint8_t *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * size + 1);
    json_t *string;

    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[data[i] >> 4];
        text[2 * i + 1] = digits[data[i] & 0xf];
    }
    string = json_stringn(text, 2 * size);
    free(text);
    return string;
}

static json_t *json_auth(const struct teredo_auth *auth)
{
    json_t *o = json_object();

    json_object_set_new(o, "client_id", json_hex(auth->client_id, auth->client_id_size));
    json_object_set_new(o, "value", json_hex(auth->value, auth->value_size));
    json_object_set_new(o, "nonce", json_hex(auth->nonce, sizeof auth->nonce));
    json_object_set_new(o, "confirmation", json_integer(auth->confirmation));
    return o;
}

static json_t *json_ip6_header(const struct craft *c)
{
    const struct ip6_header *ip6 = &c->packet.ip6;
    char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];
    json_t *o = json_object();

    json_object_set_new(o, "source", json_string(words_ip6(&ip6->source, source)));
    json_object_set_new(o, "destination", json_string(words_ip6(&ip6->destination, destination)));
    json_object_set_new(o, "hop_limit", json_integer(ip6->hop_limit));
    json_object_set_new(o, "next_header", json_integer(ip6->next_header));
    json_object_set_new(o, "payload_length",
                        json_integer(c->lies_about_length ? ip6->payload_length
                                                          : (json_int_t)c->packet.payload_size));
    json_object_set_new(o, "traffic_class", json_integer(ip6->traffic_class));
    json_object_set_new(o, "flow_label", json_integer(ip6->flow_label));
    return o;
}

static json_t *json_trailers(const struct teredo_packet *p)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < p->trailer_count; i++) {
        const struct teredo_trailer *t = &p->trailers[i];
        const char *name = trailer_name(t->type);
        json_t *o = json_object();

        json_object_set_new(o, "type", json_integer(t->type));
        json_object_set_new(o, "name", name != NULL ? json_string(name) : json_null());
        json_object_set_new(o, "value", json_hex(t->value, t->size));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *json_problems(const struct wire_fault *fault)
{
    json_t *list = json_array();

    if (fault->reason != WIRE_OK)
        json_array_append_new(list,
                              json_pack("{s:s, s:I}", "reason", wire_reason_code(fault->reason),
                                        "offset", (json_int_t)fault->offset));
    return list;
}

void packet_json(json_t *o, const struct packet_view *v)
{
    const struct craft *c = &v->craft;
    const struct teredo_packet *p = &c->packet;
    bool has_ip6 = c->raw == NULL;

    json_object_set_new(o, "size", json_integer((json_int_t)v->size));
    json_object_set_new(o, "kind",
                        v->decoded ? json_string(teredo_kind_name(v->kind)) : json_null());
    json_object_set_new(o, "auth", has_ip6 && p->has_auth ? json_auth(&p->auth) : json_null());
    json_object_set_new(o, "origin",
                        has_ip6 && p->has_origin ? json_any_endpoint(p->origin) : json_null());
    json_object_set_new(o, "ipv6", has_ip6 ? json_ip6_header(c) : json_null());
    json_object_set_new(o, "payload",
                        has_ip6 ? json_hex(p->payload, p->payload_size) : json_null());
    json_object_set_new(o, "trailers", has_ip6 ? json_trailers(p) : json_array());
    json_object_set_new(
        o, "tail", has_ip6 && c->tail_size > 0 ? json_hex(c->tail, c->tail_size) : json_null());
    json_object_set_new(o, "problems", json_problems(&v->fault));
    json_object_set_new(o, "data", json_hex(v->payload, v->size));
}

void packet_json_outer(json_t *o, const struct udp_options *udp)
{
    json_object_set_new(o, "ttl", json_integer(udp->ttl != 0 ? udp->ttl : UDP_DEFAULT_TTL));
    json_object_set_new(o, "tos", json_integer(udp->tos));
    json_object_set_new(o, "ip_id", json_integer(udp->id));
    json_object_set_new(o, "dont_fragment", json_boolean(udp->dont_fragment));
    json_object_set_new(o, "udp_checksum", json_string(udp_checksum_words[udp->checksum]));
}
