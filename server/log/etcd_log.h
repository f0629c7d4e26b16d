// The log in etcd: one key, which every put replaces. Its version is the put's number, its
// mod_revision where it stands. By etcd's JSON gateway (etcd 3.4 and later, API "v3").
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "log/log.h"

namespace saldo::server {

struct EtcdOptions {
  std::vector<std::string> members;  // host:port
  std::string key = "saldo/log";
  std::string ca;    // files in PEM; without one there is no TLS
  std::string cert;  // who this node is, where etcd asks for that; with `private_key`
  std::string private_key;
  std::string user;  // empty: etcd asks for none
  std::string password;
};

// etcd://HOST:PORT,HOST:PORT,… Throws std::runtime_error with what would be right.
std::vector<std::string> parse_etcd_url(const std::string& url);

std::shared_ptr<Log> open_etcd_log(EtcdOptions options);

}  // namespace saldo::server
