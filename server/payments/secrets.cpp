#include "payments/secrets.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>

#include "rules/text.h"

namespace saldo::server {
namespace {

using nlohmann::json;

constexpr std::size_t kFileBytesMax = 1 << 20;

std::string read_private_file(const std::string& path) {
  const auto fail = [&](const std::string& what) { throw std::runtime_error(path + " " + what); };
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) fail("cannot be read");
  struct Close {
    int file;
    ~Close() { close(file); }
  } const closing{file};
  struct stat status {};
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) fail("is not a file");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    fail("can be read by others than its owner; its mode is to be 0600");
  std::string text;
  char piece[1 << 14];
  ssize_t size = 0;
  while ((size = read(file, piece, sizeof(piece))) > 0) {
    text.append(piece, static_cast<std::size_t>(size));
    if (text.size() > kFileBytesMax) fail("is larger than 1 MiB");
  }
  if (size < 0) fail("cannot be read");
  return text;
}

ChannelSecrets channel_of(const std::string& name, const json& values) {
  if (!values.is_object()) throw std::runtime_error("the channel " + name + " is not an object");
  ChannelSecrets secrets;
  for (const auto& [key, value] : values.items()) {
    if (key == "from") {
      const auto wrong = [&] {
        return std::runtime_error("`from` of the channel " + name +
                                  " is a list of addresses and networks, as in "
                                  "[\"192.0.2.0/24\", \"2001:db8::1\"]");
      };
      if (!value.is_array() || value.empty()) throw wrong();
      for (const auto& each : value) {
        const auto network =
            each.is_string() ? parse_network(each.get_ref<const std::string&>()) : std::nullopt;
        if (!network) throw wrong();
        secrets.from.push_back(*network);
      }
      continue;
    }
    if (value.is_null()) continue;
    const auto refuse = [&name, &key = key](const char* what) {
      throw std::runtime_error(std::string("`").append(key) + "` of the channel " + name + what);
    };
    if (value.is_number() && !value.is_number_integer()) refuse(" is not an integer");
    // Whatever is signed with an empty secret, anybody can sign.
    if (value.is_string() && value.get_ref<const std::string&>().empty()) refuse(" is empty");
    if ((key == "user" || key == "password") && !value.is_string()) refuse(" is not a text");
    secrets.values[key] = value;
  }
  return secrets;
}

}  // namespace

std::string_view ChannelSecrets::text(const char* key) const {
  const auto value = values.find(key);
  if (value == values.end() || !value->is_string()) return {};
  return value->get_ref<const std::string&>();
}

bool is_same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Secrets::Secrets(std::string path) : path_(std::move(path)) { reload(); }

void Secrets::reload() {
  auto channels = std::make_shared<Channels>();
  if (!path_.empty()) {
    // The parser's own messages quote the text.
    const json document = json::parse(read_private_file(path_), nullptr, false);
    if (document.is_discarded()) throw std::runtime_error(path_ + " is not JSON");
    if (!document.is_object() || document.size() != 1 || !document.contains("channels") ||
        !document["channels"].is_object()) {
      throw std::runtime_error(path_ + R"( is not of the form {"channels": {"NAME": {…}}})");
    }
    for (const auto& [name, values] : document["channels"].items()) {
      try {
        channels->emplace(name, channel_of(name, values));
      } catch (const std::runtime_error& error) {
        throw std::runtime_error(path_ + ": " + error.what());
      }
    }
  }
  const std::lock_guard lock(mutex_);
  channels_ = std::move(channels);
}

std::shared_ptr<const ChannelSecrets> Secrets::of(const std::string& channel) const {
  std::shared_ptr<const Channels> channels;
  {
    const std::lock_guard lock(mutex_);
    channels = channels_;
  }
  const auto found = channels->find(channel);
  if (found == channels->end()) return nullptr;
  return {channels, &found->second};
}

}  // namespace saldo::server
