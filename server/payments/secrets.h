// The secrets of channels: a file that only its owner can read, never the database.
//
//   {"channels": {"kiosk": {"user": "…", "password": "…", "from": ["192.0.2.0/24"]}}}
//
// What a channel needs depends on its protocol; `from` are the networks it may be used from.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "payments/network.h"

namespace saldo::server {

struct ChannelSecrets {
  nlohmann::json values = nlohmann::json::object();
  std::vector<Network> from;  // none: from everywhere

  // A text among them; empty: there is none.
  [[nodiscard]] std::string_view text(const char* key) const;
};

// In a time that depends on the lengths alone.
bool is_same(std::string_view a, std::string_view b);

class Secrets {
 public:
  // Reads the file; an empty path: there are none. Throws std::runtime_error, which tells what is
  // wrong with the file but nothing of what is in it.
  explicit Secrets(std::string path);

  // Reads it again. Throws likewise, and then the old ones stay.
  void reload();
  [[nodiscard]] const std::string& path() const { return path_; }
  // Null: the channel has none. They stay as they are for as long as they are held.
  [[nodiscard]] std::shared_ptr<const ChannelSecrets> of(const std::string& channel) const;

 private:
  using Channels = std::map<std::string, ChannelSecrets>;

  std::string path_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Channels> channels_;
};

}  // namespace saldo::server
