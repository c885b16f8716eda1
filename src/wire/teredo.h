/* Teredo packets: the payload of a UDP datagram (RFC 4380 5.1.1), with the trailers of RFC 6081.
 *
 *     [authentication] [origin indication] IPv6 packet [trailers]
 */
#ifndef WIRE_TEREDO_H
#define WIRE_TEREDO_H

#include "endpoint.h"
#include "icmp6.h"
#include "ip.h"
#include "teredo_addr.h"

enum {
    TEREDO_NONCE_SIZE = 8,
    TEREDO_AUTH_MIN_SIZE = 13,
    TEREDO_ORIGIN_SIZE = 8,
    TEREDO_HMAC_SIZE = 20, /* HMAC-SHA1, the default algorithm of RFC 4380 5.2.2 */
    TEREDO_MAX_TRAILERS = 8,
    TEREDO_MAX_ALTERNATES = 4,
    TEREDO_MTU = 1280, /* RFC 4380 5.1.2 */
    /* The largest payload that a client or server builds or relays: an IPv6 packet of 1,500 bytes
     * behind full encapsulations. */
    TEREDO_MAX_SIZE = 2048,
};

enum teredo_kind {
    TEREDO_BUBBLE, /* no next header, no payload (2.8) */
    TEREDO_RS,
    TEREDO_RA,
    TEREDO_ECHO_REQUEST,
    TEREDO_ECHO_REPLY,
    TEREDO_ICMP6, /* any other ICMPv6 */
    TEREDO_DATA,  /* anything else */
};

enum teredo_trailer_type {
    TRAILER_NONCE = 0x01,
    TRAILER_ALTERNATE_ADDRESS = 0x03,
    TRAILER_ND_OPTION = 0x04,
    TRAILER_RANDOM_PORT = 0x05,
};

/* Of neighbor discovery option trailers (RFC 6081 4.4). */
enum nd_trailer {
    ND_TRAILER_SOLICITATION,
    ND_TRAILER_ADVERTISEMENT,
};

struct teredo_auth {
    const uint8_t *client_id; /* borrowed */
    uint8_t client_id_size;
    const uint8_t *value; /* borrowed */
    uint8_t value_size;
    uint8_t nonce[TEREDO_NONCE_SIZE];
    uint8_t confirmation; /* 0 = the client's key is still valid */
};

struct teredo_trailer {
    uint8_t type;
    uint8_t size;
    const uint8_t *value; /* borrowed */
};

struct teredo_packet {
    bool has_auth;
    bool has_origin;
    struct teredo_auth auth;
    struct endpoint origin; /* de-obfuscated */
    struct ip6_header ip6;
    const uint8_t *payload; /* of the IPv6 packet; borrowed */
    size_t payload_size;    /* ip6.payload_length, checked against the bytes */
    enum teredo_kind kind;
    struct icmp6_message icmp6; /* when kind is an ICMPv6 one */
    struct teredo_trailer trailers[TEREDO_MAX_TRAILERS];
    unsigned trailer_count; /* trailers beyond the room are counted but not kept */
    size_t ip6_offset;      /* where the IPv6 header began */
    /* Bytes after the IPv6 packet that are no valid trailer: seen from real peers, ignored. */
    size_t junk_offset;
    size_t junk_size;
};

/* Decodes a UDP payload. Trailing bytes that do not parse as trailers are kept as junk, not a
 * fault: the result is true and FAULT says WIRE_TRAILER_LENGTH at junk_offset (without junk it says
 * WIRE_OK). An unknown trailer that asks for it is WIRE_TRAILER_MUST_DISCARD. Everything in OUT
 * borrows from DATA; auth, icmp6 and trailers are set only where has_auth, kind and trailer_count
 * say so. */
bool teredo_decode(const uint8_t *data, size_t size, struct teredo_packet *out,
                   struct wire_fault *fault);

/* How far teredo_decode_part came: what of its result is set. */
enum teredo_extent {
    TEREDO_NOTHING, /* at most auth and origin, as has_auth and has_origin say */
    TEREDO_HEADER,  /* also ip6, ip6_offset and payload: all that is left, if ip6 claims more */
    TEREDO_KIND,    /* also kind */
    TEREDO_WHOLE,   /* all */
};

/* The same for a payload of CLAIMED bytes of which SIZE are at hand (CLAIMED is not below SIZE), as
 * in captures, and for those who want to show what is there of a malformed packet. Short of
 * TEREDO_WHOLE, FAULT says why. With it, FAULT may say WIRE_TRAILER_LENGTH, or WIRE_TRUNCATED if
 * bytes are missing behind the IPv6 packet. */
enum teredo_extent teredo_decode_part(const uint8_t *data, size_t size, size_t claimed,
                                      struct teredo_packet *out, struct wire_fault *fault);

/* Encodes the encapsulations, the IPv6 header (payload length as in payload_size), the payload and
 * the trailers; icmp6 is not consulted. */
void teredo_encode(struct writer *w, const struct teredo_packet *p);

/* Writes what stands before the IPv6 header: authentication and origin indication. False if that
 * does not fit, or the payload is longer than any packet's. */
bool teredo_put_encapsulations(struct writer *w, const struct teredo_packet *p);

/* Writes an authentication header (5.1.1). */
void teredo_put_auth(struct writer *w, const struct teredo_auth *auth);

/* Writes the 8 bytes of an origin indication, obfuscated. */
void teredo_put_origin(struct writer *w, struct endpoint origin);

/* Builders: each fills *P, kind and icmp6 too, as teredo_decode would; the payload (if any) lies in
 * the caller's BUF. Ready for teredo_encode after the caller has added encapsulations and trailers.
 */
void teredo_make_bubble(struct teredo_packet *p, const struct in6_addr *source,
                        const struct in6_addr *destination);
/* RS to ff02::2 with hop limit 255 (RFC 4861 4.1). BUF: 8 bytes. */
void teredo_make_rs(struct teredo_packet *p, const struct in6_addr *source, uint8_t buf[static 8]);
/* The source of solicitations: miredo's link-local address, known to every server in the field. Its
 * cone bit is 0, so that the answer comes from the address that was asked (RFC 4380 5.3.2). */
extern const struct in6_addr teredo_rs_source;
/* The same with the cone bit 1, as Windows sends it: the answer comes from the server's other
 * address (5.3.2). */
extern const struct in6_addr teredo_rs_source_cone;
/* Puts an authentication header with NONCE, but no client identifier or value, in front (5.2.2). */
void teredo_add_auth_nonce(struct teredo_packet *p, const uint8_t nonce[static TEREDO_NONCE_SIZE]);
/* Adds a nonce trailer (RFC 6081) to a packet with room for it. BUF: its 4 bytes. */
void teredo_add_nonce_trailer(struct teredo_packet *p, uint32_t nonce, uint8_t buf[static 4]);
/* Adds a neighbor discovery option trailer that solicits, or one that answers it (RFC 6081 4.4,
 * 5.7). */
void teredo_add_nd_solicitation(struct teredo_packet *p);
void teredo_add_nd_advertisement(struct teredo_packet *p);
/* RA with the one /64 prefix of a server and an MTU option (5.3.2). BUF: TEREDO_RA_SIZE bytes. */
enum {
    TEREDO_RA_SIZE = 16 + 32 + 8
};
struct teredo_advertised {
    uint32_t server;
    uint32_t mtu;
};
void teredo_make_ra(struct teredo_packet *p, const struct in6_addr *source,
                    const struct in6_addr *destination, struct teredo_advertised what,
                    uint8_t buf[static TEREDO_RA_SIZE]);
/* Echo request or reply. BUF: 8 bytes and those of the data. Hop limit 64. */
struct teredo_echo {
    uint8_t type; /* ICMP6_TYPE_ECHO_… */
    uint16_t id;
    uint16_t sequence;
    const void *data;
    size_t size;
};
void teredo_make_echo(struct teredo_packet *p, const struct in6_addr *source,
                      const struct in6_addr *destination, const struct teredo_echo *echo,
                      uint8_t *buf);

/* The first trailer of TYPE, or NULL. */
const struct teredo_trailer *teredo_find_trailer(const struct teredo_packet *p, uint8_t type);

/* The 4-byte nonce of the nonce trailer; false if there is none (RFC 6081). */
bool teredo_trailer_nonce(const struct teredo_packet *p, uint32_t *nonce);
/* The alternate addresses; returns how many were written. */
unsigned teredo_trailer_alternates(const struct teredo_packet *p,
                                   struct endpoint out[static TEREDO_MAX_ALTERNATES]);
/* ND discovery type (0 solicitation, 1 advertisement) and random port; false if absent. */
bool teredo_trailer_nd(const struct teredo_packet *p, uint8_t *type);
bool teredo_trailer_random_port(const struct teredo_packet *p, uint16_t *port);

/* The authentication value of RFC 4380 5.2.2 over nonce, confirmation byte, origin indication if
 * present, and the IPv6 packet of P. */
void teredo_auth_value(const void *secret, size_t secret_size, const struct teredo_packet *p,
                       uint8_t out[static TEREDO_HMAC_SIZE]);
/* Compares in constant time; false if P has no 20-byte value. */
bool teredo_auth_verify(const void *secret, size_t secret_size, const struct teredo_packet *p);

/* "bubble", "rs", "ra", "echo_request", "echo_reply", "icmp6", "data". */
const char *teredo_kind_name(enum teredo_kind kind);

#endif
