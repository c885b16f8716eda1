#include "packet_view.h"

void packet_view_init(struct packet_view *v, const uint8_t *payload, size_t size)
{
    struct teredo_packet p;

    *v = (struct packet_view){.payload = payload, .size = size};
    craft_decode_payload(payload, size, &v->craft, &v->fault);
    v->decoded = teredo_decode(payload, size, &p, &v->fault);
    if (v->decoded)
        v->kind = p.kind;
}

const char *packet_view_kind(const struct packet_view *v)
{
    if (v->decoded)
        return teredo_kind_name(v->kind);
    return v->craft.raw == NULL && v->craft.packet.ip6.next_header == IP_PROTOCOL_NONE
               ? "malformed bubble"
               : "malformed packet";
}

const char *const udp_checksum_words[3] = {
    [UDP_CHECKSUM_RIGHT] = "right",
    [UDP_CHECKSUM_ZERO] = "zero",
    [UDP_CHECKSUM_WRONG] = "wrong",
};

const char *trailer_name(uint8_t type)
{
    switch ((enum teredo_trailer_type)type) {
    case TRAILER_NONCE:
        return "nonce";
    case TRAILER_ALTERNATE_ADDRESS:
        return "alternate_address";
    case TRAILER_ND_OPTION:
        return "nd_option";
    case TRAILER_RANDOM_PORT:
        return "random_port";
    }
    return NULL;
}
