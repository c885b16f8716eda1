#include "packet_view.h"
#include "words.h"

static void put_hex(FILE *out, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        fprintf(out, "%02x", data[i]);
    if (size == 0)
        fputs("empty", out);
}

static void begin(FILE *out, const char *indent, const char *name)
{
    fprintf(out, "%s%-10s", indent, name);
}

static void text_auth(FILE *out, const char *indent, const struct teredo_auth *auth)
{
    begin(out, indent, "auth");
    fputs("client id ", out);
    put_hex(out, auth->client_id, auth->client_id_size);
    fputs(", value ", out);
    put_hex(out, auth->value, auth->value_size);
    fputs(", nonce ", out);
    put_hex(out, auth->nonce, sizeof auth->nonce);
    fprintf(out, ", confirmation %u\n", auth->confirmation);
}

static void text_ip6(FILE *out, const char *indent, const struct ip6_header *ip6, unsigned length)
{
    char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];

    begin(out, indent, "ipv6");
    fprintf(out, "%s > %s\n", words_ip6(&ip6->source, source),
            words_ip6(&ip6->destination, destination));
    begin(out, indent, "");
    fprintf(out,
            "hop limit %u, next header %u, payload length %u, traffic class 0x%02x, "
            "flow label 0x%05x\n",
            ip6->hop_limit, ip6->next_header, length, ip6->traffic_class, ip6->flow_label);
}

/* What the value means, where it has the form that its type asks for. */
static void text_trailer_meaning(FILE *out, const struct teredo_trailer *trailer)
{
    struct teredo_packet p = {.trailers = {*trailer}, .trailer_count = 1};
    struct endpoint alternates[TEREDO_MAX_ALTERNATES];
    char text[ENDPOINT_STRLEN];
    unsigned count = teredo_trailer_alternates(&p, alternates);
    uint16_t port;
    uint8_t nd;

    for (unsigned i = 0; i < count; i++)
        fprintf(out, "%s%s", i == 0 ? ": " : ", ", endpoint_format(alternates[i], text));
    if (teredo_trailer_nd(&p, &nd))
        fprintf(out, ": %s", nd == 0 ? "solicitation" : nd == 1 ? "advertisement" : "unknown");
    if (teredo_trailer_random_port(&p, &port))
        fprintf(out, ": %u", port);
}

static void text_trailers(FILE *out, const char *indent, const struct teredo_packet *p)
{
    for (unsigned i = 0; i < p->trailer_count; i++) {
        const struct teredo_trailer *trailer = &p->trailers[i];
        const char *name = trailer_name(trailer->type);

        begin(out, indent, "trailer");
        fprintf(out, "%s (0x%02x) ", name != NULL ? name : "unknown", trailer->type);
        put_hex(out, trailer->value, trailer->size);
        text_trailer_meaning(out, trailer);
        fputc('\n', out);
    }
}

static void text_bytes(FILE *out, const char *indent, const char *name, const uint8_t *data,
                       size_t size)
{
    begin(out, indent, name);
    put_hex(out, data, size);
    fputc('\n', out);
}

static void text_teredo(FILE *out, const char *indent, const struct craft *c)
{
    const struct teredo_packet *p = &c->packet;
    char origin[ENDPOINT_STRLEN];

    if (p->has_auth)
        text_auth(out, indent, &p->auth);
    if (p->has_origin) {
        begin(out, indent, "origin");
        fprintf(out, "%s\n", endpoint_format(p->origin, origin));
    }
    text_ip6(out, indent, &p->ip6,
             c->lies_about_length ? p->ip6.payload_length : (unsigned)p->payload_size);
    if (p->payload_size > 0)
        text_bytes(out, indent, "payload", p->payload, p->payload_size);
    text_trailers(out, indent, p);
    if (c->tail_size > 0)
        text_bytes(out, indent, "tail", c->tail, c->tail_size);
}

void packet_text(FILE *out, const char *indent, const struct packet_view *v)
{
    if (v->craft.raw != NULL)
        text_bytes(out, indent, "bytes", v->craft.raw, v->craft.raw_size);
    else
        text_teredo(out, indent, &v->craft);
    if (v->fault.reason != WIRE_OK) {
        begin(out, indent, "problem");
        fprintf(out, "%s, at byte %zu\n", wire_reason_text(v->fault.reason), v->fault.offset);
    }
}

void packet_text_outer(FILE *out, const char *indent, const struct craft *c)
{
    char from[ENDPOINT_STRLEN], to[ENDPOINT_STRLEN];

    begin(out, indent, "udp");
    fprintf(out, "%s > %s\n", endpoint_format(c->from, from), endpoint_format(c->to, to));
    begin(out, indent, "");
    fprintf(out, "ttl %u, tos 0x%02x, id %u%s, checksum %s\n",
            c->udp.ttl != 0 ? c->udp.ttl : UDP_DEFAULT_TTL, c->udp.tos, c->udp.id,
            c->udp.dont_fragment ? ", DF" : "", udp_checksum_words[c->udp.checksum]);
}

void packet_text_hex(FILE *out, const char *indent, const uint8_t *data, size_t size)
{
    for (size_t line = 0; line < size; line += 16) {
        fprintf(out, "%s0x%04zx  ", indent, line);
        for (size_t i = line; i < line + 16 && i < size; i++)
            fprintf(out, "%02x%s", data[i],
                    i + 1 == line + 16 || i + 1 == size ? "\n"
                    : i % 2 == 1                        ? " "
                                                        : "");
    }
}
