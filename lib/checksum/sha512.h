// SHA-512 (FIPS 180-4) of bytes, files and streams, by OpenSSL's EVP interface.
//
// OpenSSL is started without its configuration file, error texts and algorithm tables: reading openssl.cnf alone takes
// longer (0.7 ms) than hashing a small file. An openssl.cnf that asks for another provider is therefore not heeded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <istream>
#include <memory>
#include <span>
#include <string>
#include <system_error>

struct evp_md_ctx_st;

namespace bertjit {

using Sha512Digest = std::array<std::byte, 64>;

/// Hashes bytes that come in pieces; where they are cut makes no difference.
class Sha512 {
 public:
  /// Throws Error(kUnsupported) if OpenSSL has no SHA-512.
  Sha512();
  ~Sha512();
  Sha512(const Sha512&) = delete;
  Sha512& operator=(const Sha512&) = delete;

  void update(std::span<const std::byte> bytes);

  /// The digest of everything so far. Call it once, and nothing after it.
  Sha512Digest finish();

 private:
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};

/// Two lower-case hexadecimal digits a byte.
std::string to_hex(std::span<const std::byte> bytes);

Sha512Digest hash_bytes(std::span<const std::byte> bytes);

/// Hashes whatever `path` opens: a regular file, a pipe, a device. Memory does not grow with the file.
///
/// Throws Error(kNotFound, kIo), e.g. "cannot read model.pt: Permission denied".
Sha512Digest hash_file(const std::filesystem::path& path);

/// Told how many bytes were hashed since it was last told; may be empty.
using CountBytes = std::function<void(uint64_t)>;

/// The same, but the system's refusal comes back in `error` (cleared on success), and the digest is then meaningless.
/// A file that grows or shrinks meanwhile is read to the end it then has.
Sha512Digest hash_file(const std::filesystem::path& path, std::error_code& error, const CountBytes& count = {});

/// Hashes a stream from where it stands to its end. A read error comes back in `error` (cleared on success).
Sha512Digest hash_stream(std::istream& stream, std::error_code& error, const CountBytes& count = {});

}  // namespace bertjit
