#include "words.h"

#include <stdio.h>

#include "event.h"
#include "text_buffer.h"

const char *words_time(nsec when, char buf[static RFC3339_STRLEN])
{
    struct stamp none = {0};

    *put_time(&none, buf, when) = '\0';
    return buf;
}

const char *words_ip6(const struct in6_addr *address, char buf[static INET6_ADDRSTRLEN])
{
    ip6_format(address, buf);
    return buf;
}

const char *words_of_code(const char *code, char *buf, size_t size)
{
    snprintf(buf, size, "%s", code);
    for (char *p = buf; *p != '\0'; p++)
        if (*p == '_')
            *p = ' ';
    return buf;
}

const char *words_icmp(struct icmp_error icmp, char buf[static ICMP_STRLEN])
{
    char from[IP4_STRLEN];

    snprintf(buf, ICMP_STRLEN, "%s, from %s", icmp_error_text(icmp),
             ip4_format(icmp.reporter, from));
    return buf;
}

const struct proof_words proof_words[] = {
    [PROOF_NONE] = {.own = "",
                    .asked = "without proof",
                    .captured = "",
                    .label = "4 direct bubble",
                    .captured_label = "4 direct bubble"},
    [PROOF_ENDPOINT] = {.own = "it comes from the endpoint in the peer's address",
                        .asked = "it comes from the endpoint that was asked",
                        .captured = ": from the endpoint in its address",
                        .label = "4 direct bubble, expected endpoint",
                        .captured_label = "4 direct bubble, expected endpoint"},
    [PROOF_LINK_LOCAL] = {.own = "it answers our unguessable link-local address",
                          .asked = "it goes to our random address",
                          .captured = ": to the bubble's unguessable link-local address",
                          .label = "4 direct bubble to our link-local",
                          .captured_label = "4 direct bubble to the link-local"},
    [PROOF_NONCE] = {.own = "it repeats our nonce",
                     .asked = "it repeats our nonce",
                     .captured = ": repeats the bubble's nonce",
                     .label = "4 direct bubble with our nonce",
                     .captured_label = "4 direct bubble with the nonce"},
};
