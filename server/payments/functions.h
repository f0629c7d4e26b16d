// SQL functions for files that speak the protocols of payment systems (server/README.md, "Payment
// systems").
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sqlite/api.h"

namespace saldo::server {

struct ChannelSecrets;

// What the functions below are told of the request that a statement is run for.
struct RequestSight {
  std::shared_ptr<const ChannelSecrets> secrets;  // of its channel; null: it has none
  // A header's value, by its name in any case; nullopt: it was not sent.
  std::function<std::optional<std::string>(const std::string&)> header;
};

// Of their arguments alone, on every connection of the server. NULL gives NULL.
//   sha256(bytes), sha1, md5, sha512   in lower-case hexadecimal; bytes are a text's or a blob's
//   base64(bytes)                      a text
//   from_hex(text)                     a blob; NULL for what is not hexadecimal
//   percent_encode(text)               RFC 3986: letters, digits and -._~ stay
//   xml(text)                          to stand between tags or in an attribute's quotes
//   form_field(text)                   a table: name, value, position (from 1), of
//                                      name=value&name=value, decoded; NULL for what cannot be
// Throws SqliteError.
void register_text_functions(sqlite3* db);

// Of the request, and of keys; not from triggers and views.
//   secret(key)                        of the request's channel: a text, an integer (flags are 1
//                                      and 0), an object or array as JSON, or NULL
//   header(name)                       a text, or NULL
//   hmac_sha256(key, bytes)            in lower-case hexadecimal
//   rsa_sign(hash, private_key, bytes)             a blob (PKCS #1 1.5); hash is sha1, sha256 or
//                                                  sha512, the key in PEM
//   rsa_verify(hash, public_key, bytes, signature) 1 or 0; a public key or certificate in PEM
//   same(a, b)                         1 or 0, in a time that does not depend on the bytes; 0 for
//                                      NULL
// `*sight` is read when they are called; it is null, or points to null, where no request is.
void register_request_functions(sqlite3* db, const RequestSight* const* sight);
bool is_request_function(std::string_view name);
// One by which a file can tell a true signature.
bool is_verifying_function(std::string_view name);

}  // namespace saldo::server
