#include "payments/functions.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "codecs/base64.h"
#include "codecs/form.h"
#include "codecs/json.h"
#include "hash.h"
#include "payments/secrets.h"
#include "rules/error.h"
#include "sqlite/guard.h"
#include "sqlite/value.h"

namespace saldo::server {
namespace {

bool is_null(sqlite3_value* value) { return sqlite3_value_type(value) == SQLITE_NULL; }

void result_blob(sqlite3_context* result, std::string_view bytes) {
  sqlite3_result_blob64(result, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
}

std::string_view view_of(const unsigned char* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

template <const EVP_MD* (*kHash)()>
void digest(sqlite3_context* result, sqlite3_value** arguments) {
  const auto bytes = value_bytes(arguments[0]);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, kHash(), nullptr) != 1)
    throw std::bad_alloc();
  result_text(result, hex(view_of(digest.data(), size)));
}

void base64(sqlite3_context* result, sqlite3_value** arguments) {
  std::string text;
  append_base64(text, value_bytes(arguments[0]));
  result_text(result, text);
}

void from_hex(sqlite3_context* result, sqlite3_value** arguments) {
  const auto text = value_text(arguments[0]);
  if (text.size() % 2 != 0) return;
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = OPENSSL_hexchar2int(static_cast<unsigned char>(text[i]));
    const int low = OPENSSL_hexchar2int(static_cast<unsigned char>(text[i + 1]));
    if (high < 0 || low < 0) return;
    bytes += static_cast<char>(high * 16 + low);
  }
  result_blob(result, bytes);
}

void percent_encode(sqlite3_context* result, sqlite3_value** arguments) {
  std::string text;
  append_percent_encoded(text, value_text(arguments[0]));
  result_text(result, text);
}

// Characters that XML 1.0 does not have become U+FFFD.
void xml(sqlite3_context* result, sqlite3_value** arguments) {
  std::string escaped;
  for (const char c : replace_invalid_utf8(value_text(arguments[0]))) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&apos;";
        break;
      default: {
        const bool is_control =
            static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\n' && c != '\r';
        if (is_control) {
          escaped += "\xEF\xBF\xBD";
        } else {
          escaped += c;
        }
      }
    }
  }
  result_text(result, escaped);
}

// What is told of the request; null: there is none.
const RequestSight* sight_of(sqlite3_context* result);

void secret(sqlite3_context* result, sqlite3_value** arguments) {
  const RequestSight* sight = sight_of(result);
  if (sight == nullptr || !sight->secrets) return;
  const auto& values = sight->secrets->values;
  const auto value = values.find(std::string(value_text(arguments[0])));
  if (value == values.end()) return;
  if (value->is_string()) {
    result_text(result, value->get_ref<const std::string&>());
  } else if (value->is_boolean()) {
    sqlite3_result_int(result, value->get<bool>() ? 1 : 0);
  } else if (value->is_number_integer()) {
    sqlite3_result_int64(result, value->get<std::int64_t>());
  } else {
    result_text(result, value->dump());
  }
}

void header(sqlite3_context* result, sqlite3_value** arguments) {
  const RequestSight* sight = sight_of(result);
  if (sight == nullptr || !sight->header) return;
  const auto value = sight->header(std::string(value_text(arguments[0])));
  if (value) result_text(result, *value);
}

void hmac_sha256(sqlite3_context* result, sqlite3_value** arguments) {
  const auto key = value_bytes(arguments[0]);
  const auto bytes = value_bytes(arguments[1]);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data(),
           &size) == nullptr) {
    throw std::bad_alloc();
  }
  result_text(result, hex(view_of(digest.data(), size)));
}

void same(sqlite3_context* result, sqlite3_value** arguments) {
  if (is_null(arguments[0]) || is_null(arguments[1])) return sqlite3_result_int(result, 0);
  const auto a = value_bytes(arguments[0]);
  const auto b = value_bytes(arguments[1]);
  sqlite3_result_int(result, is_same(a, b) ? 1 : 0);
}

const EVP_MD* hash_named(sqlite3_value* name) {
  const auto text = value_text(name);
  if (text == "sha1") return EVP_sha1();
  if (text == "sha256") return EVP_sha256();
  if (text == "sha512") return EVP_sha512();
  throw invalid("the hash is sha1, sha256 or sha512, not " + describe(name));
}

struct FreeOpenSsl {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Bio = std::unique_ptr<BIO, FreeOpenSsl>;
using Key = std::unique_ptr<EVP_PKEY, FreeOpenSsl>;

Bio bio_of(std::string_view pem) {
  Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) throw std::bad_alloc();
  return bio;
}

// OpenSSL would ask the terminal.
int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) { return -1; }

Key rsa_key(Key key) {
  if (key && EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) key.reset();
  ERR_clear_error();
  return key;
}

Key public_key(std::string_view pem) {
  Key key(PEM_read_bio_PUBKEY(bio_of(pem).get(), nullptr, no_password, nullptr));
  if (!key) {
    const std::unique_ptr<X509, FreeOpenSsl> certificate(
        PEM_read_bio_X509(bio_of(pem).get(), nullptr, no_password, nullptr));
    if (certificate) key.reset(X509_get_pubkey(certificate.get()));
  }
  return rsa_key(std::move(key));
}

const unsigned char* unsigned_bytes(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

void rsa_verify(sqlite3_context* result, sqlite3_value** arguments) {
  const EVP_MD* hash = hash_named(arguments[0]);
  const Key key = public_key(value_text(arguments[1]));
  const auto bytes = value_bytes(arguments[2]);
  const auto signature = value_bytes(arguments[3]);
  const std::unique_ptr<EVP_MD_CTX, FreeOpenSsl> context(EVP_MD_CTX_new());
  if (!context) throw std::bad_alloc();
  const bool is_true =
      key && EVP_DigestVerifyInit(context.get(), nullptr, hash, nullptr, key.get()) == 1 &&
      EVP_DigestVerify(context.get(), unsigned_bytes(signature), signature.size(),
                       unsigned_bytes(bytes), bytes.size()) == 1;
  ERR_clear_error();
  sqlite3_result_int(result, is_true ? 1 : 0);
}

void rsa_sign(sqlite3_context* result, sqlite3_value** arguments) {
  const EVP_MD* hash = hash_named(arguments[0]);
  const Key key = rsa_key(Key(PEM_read_bio_PrivateKey(bio_of(value_text(arguments[1])).get(),
                                                      nullptr, no_password, nullptr)));
  if (!key) throw invalid("the key is not a private key of RSA in PEM without a password");
  const auto bytes = value_bytes(arguments[2]);
  const std::unique_ptr<EVP_MD_CTX, FreeOpenSsl> context(EVP_MD_CTX_new());
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())), '\0');
  std::size_t size = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, hash, nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     unsigned_bytes(bytes), bytes.size()) != 1) {
    ERR_clear_error();
    throw std::runtime_error("the bytes cannot be signed with this key");
  }
  result_blob(result, std::string_view(signature).substr(0, size));
}

struct SqlFunction {
  const char* name;
  int arguments;
  void (*call)(sqlite3_context* result, sqlite3_value** arguments);
  bool takes_null = false;  // of others the answer is NULL where an argument is
  bool verifies = false;
};

constexpr SqlFunction kTextFunctions[] = {
    {"sha256", 1, digest<EVP_sha256>},
    {"sha1", 1, digest<EVP_sha1>},
    {"md5", 1, digest<EVP_md5>},
    {"sha512", 1, digest<EVP_sha512>},
    {"base64", 1, base64},
    {"from_hex", 1, from_hex},
    {"percent_encode", 1, percent_encode},
    {"xml", 1, xml},
};

constexpr SqlFunction kRequestFunctions[] = {
    {"secret", 1, secret},
    {"header", 1, header},
    {"hmac_sha256", 2, hmac_sha256},
    {"same", 2, same, true, true},
    {"rsa_verify", 4, rsa_verify, false, true},
    {"rsa_sign", 3, rsa_sign},
};

// What SQLite has of a function of one connection.
struct Registered {
  const SqlFunction* function;
  const RequestSight* const* sight;
};

const Registered& registered(sqlite3_context* result) {
  return *static_cast<const Registered*>(sqlite3_user_data(result));
}

const RequestSight* sight_of(sqlite3_context* result) {
  const auto* sight = registered(result).sight;
  return sight != nullptr ? *sight : nullptr;
}

void call(sqlite3_context* result, int count, sqlite3_value** arguments) {
  guard_function(result, [&] {
    const SqlFunction& function = *registered(result).function;
    const bool has_null = std::any_of(arguments, arguments + count, is_null);
    if (!has_null || function.takes_null) return function.call(result, arguments);
    // A signature of nothing is not a true one.
    if (function.verifies) sqlite3_result_int(result, 0);
  });
}

void add(sqlite3* db, const SqlFunction& function, int flags, const RequestSight* const* sight) {
  // SQLite owns the copy, also when the registration fails.
  const int code = sqlite3_create_function_v2(
      db, function.name, function.arguments, flags, new Registered{&function, sight}, call, nullptr,
      nullptr, [](void* data) { delete static_cast<Registered*>(data); });
  if (code != SQLITE_OK) throw SqliteError(db);
}

// form_field(text)
// ---------------------------------------------------------------------------------

struct FormCursor : sqlite3_vtab_cursor {
  std::string text;
  std::string_view rest;
  std::optional<ReadField> field;
  std::int64_t position = 0;

  void advance() {
    field = next_field(rest);
    ++position;
  }
};

enum FormColumn { kName, kValue, kPosition, kText };

int form_connect(sqlite3* db, void* /*data*/, int /*count*/, const char* const* /*arguments*/,
                 sqlite3_vtab** table, char** /*message*/) {
  const int code = sqlite3_declare_vtab(
      db, "CREATE TABLE x(name TEXT, value TEXT, position INTEGER, text HIDDEN)");
  if (code != SQLITE_OK) return code;
  sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
  *table = static_cast<sqlite3_vtab*>(sqlite3_malloc(sizeof(sqlite3_vtab)));
  if (*table == nullptr) return SQLITE_NOMEM;
  **table = {};
  return SQLITE_OK;
}

int form_disconnect(sqlite3_vtab* table) {
  sqlite3_free(table);
  return SQLITE_OK;
}

// The text is required: a plan in which it is not there yet is none, and where there is no other
// xFilter refuses.
int form_best_index(sqlite3_vtab* /*table*/, sqlite3_index_info* info) {
  constexpr double kCost = 100;
  constexpr double kCostWithout = 1e99;
  info->estimatedCost = kCostWithout;
  for (int i = 0; i < info->nConstraint; ++i) {
    const auto& constraint = info->aConstraint[i];
    if (constraint.op != SQLITE_INDEX_CONSTRAINT_EQ || constraint.iColumn != kText) continue;
    if (constraint.usable == 0) return SQLITE_CONSTRAINT;
    info->aConstraintUsage[i].argvIndex = 1;
    info->aConstraintUsage[i].omit = 1;
    info->estimatedCost = kCost;
    info->estimatedRows = 10;
    const bool by_position = info->nOrderBy == 1 && info->aOrderBy[0].iColumn == kPosition &&
                             info->aOrderBy[0].desc == 0;
    info->orderByConsumed = by_position ? 1 : 0;
    return SQLITE_OK;
  }
  return SQLITE_OK;
}

int form_open(sqlite3_vtab* table, sqlite3_vtab_cursor** cursor) {
  return guard_table(table, [&] { *cursor = new FormCursor(); });
}

int form_close(sqlite3_vtab_cursor* cursor) {
  delete static_cast<FormCursor*>(cursor);
  return SQLITE_OK;
}

int form_filter(sqlite3_vtab_cursor* cursor, int /*number*/, const char* /*plan*/, int count,
                sqlite3_value** values) {
  return guard_table(cursor->pVtab, [&] {
    if (count == 0) throw invalid("form_field takes a text, as in form_field(:body)");
    auto& form = *static_cast<FormCursor*>(cursor);
    form.text = is_null(values[0]) ? std::string_view() : value_bytes(values[0]);
    form.rest = form.text;
    form.position = 0;
    form.advance();
  });
}

int form_next(sqlite3_vtab_cursor* cursor) {
  return guard_table(cursor->pVtab, [&] { static_cast<FormCursor*>(cursor)->advance(); });
}

int form_eof(sqlite3_vtab_cursor* cursor) {
  return static_cast<FormCursor*>(cursor)->field ? 0 : 1;
}

int form_column(sqlite3_vtab_cursor* cursor, sqlite3_context* result, int column) {
  const auto& form = *static_cast<FormCursor*>(cursor);
  const auto give = [&](const std::optional<std::string>& text) {
    if (text) result_text(result, *text);
  };
  switch (column) {
    case kName:
      give(form.field->name);
      break;
    case kValue:
      give(form.field->value);
      break;
    case kPosition:
      sqlite3_result_int64(result, form.position);
      break;
    default:
      result_text(result, form.text);
  }
  return SQLITE_OK;
}

int form_rowid(sqlite3_vtab_cursor* cursor, sqlite3_int64* rowid) {
  *rowid = static_cast<FormCursor*>(cursor)->position;
  return SQLITE_OK;
}

const sqlite3_module* form_module() {
  static const sqlite3_module kModule = [] {
    sqlite3_module module{};
    module.xConnect = form_connect;  // no xCreate: it is there without being created
    module.xBestIndex = form_best_index;
    module.xDisconnect = form_disconnect;
    module.xOpen = form_open;
    module.xClose = form_close;
    module.xFilter = form_filter;
    module.xNext = form_next;
    module.xEof = form_eof;
    module.xColumn = form_column;
    module.xRowid = form_rowid;
    return module;
  }();
  return &kModule;
}

const SqlFunction* find_request_function(std::string_view name) {
  const auto* const found = std::find_if(
      std::begin(kRequestFunctions), std::end(kRequestFunctions), [&](const SqlFunction& function) {
        return name.size() == std::string_view(function.name).size() &&
               sqlite3_strnicmp(name.data(), function.name, static_cast<int>(name.size())) == 0;
      });
  return found == std::end(kRequestFunctions) ? nullptr : found;
}

}  // namespace

void register_text_functions(sqlite3* db) {
  for (const SqlFunction& function : kTextFunctions)
    add(db, function, SQLITE_UTF8 | SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC, nullptr);
  if (sqlite3_create_module_v2(db, "form_field", form_module(), nullptr, nullptr) != SQLITE_OK)
    throw SqliteError(db);
}

void register_request_functions(sqlite3* db, const RequestSight* const* sight) {
  for (const SqlFunction& function : kRequestFunctions)
    add(db, function, SQLITE_UTF8 | SQLITE_DIRECTONLY, sight);
}

bool is_request_function(std::string_view name) { return find_request_function(name) != nullptr; }

bool is_verifying_function(std::string_view name) {
  const SqlFunction* function = find_request_function(name);
  return function != nullptr && function->verifies;
}

}  // namespace saldo::server
