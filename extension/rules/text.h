// Characters of texts that people and other programs give.
#pragma once

namespace saldo {

// One of ASCII's control characters, NUL and line ends among them.
constexpr bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < ' ' || byte == 0x7F;
}

}  // namespace saldo
