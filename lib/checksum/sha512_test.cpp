#include "checksum/sha512.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include "support/error.h"
#include "testing/testing.h"

namespace bertjit {

namespace {

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string hex_of(const std::string& text) {
  return to_hex(hash_bytes(as_bytes(text)));
}

std::string hash_in_chunks(const std::string& text, size_t chunk) {
  Sha512 hash;
  for (size_t at = 0; at < text.size(); at += chunk) {
    hash.update(as_bytes(text).subspan(at, std::min(chunk, text.size() - at)));
  }
  return to_hex(hash.finish());
}

std::string counting_bytes(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>(i * 131 + i / 251);
  }
  return bytes;
}

// FIPS 180-4's examples, as published with it (csrc.nist.gov, "SHA512" example values); the empty message and a million
// 'a' are from NIST's SHA test vectors.
const std::string kAbc =
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
const std::string k896Bits =
    "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
    "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909";
const std::string kEmpty =
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";
const std::string kMillionA =
    "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
    "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b";

}  // namespace

TEST_CASE("sha512: the published examples have their published digests") {
  CHECK(hex_of("abc") == kAbc);
  CHECK(hex_of("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrs"
               "mnopqrstnopqrstu") == k896Bits);
  CHECK(hex_of("") == kEmpty);
  CHECK(hex_of(std::string(1'000'000, 'a')) == kMillionA);
}

TEST_CASE("sha512: hashing in chunks equals hashing at once, wherever the cuts are") {
  const std::string bytes = counting_bytes(3000);
  for (const size_t chunk : {1, 7, 111, 112, 127, 128, 129, 2999, 3000}) {
    CHECK(hash_in_chunks(bytes, chunk) == hex_of(bytes));
  }
}

TEST_CASE("sha512: one flipped bit gives another digest") {
  std::string bytes = counting_bytes(500);
  const std::string before = hex_of(bytes);
  bytes[321] ^= 1;
  CHECK(hex_of(bytes) != before);
}

TEST_CASE("sha512: a file hashes as its bytes, around the size of one read") {
  const testing::TempDir folder;
  for (const size_t size : {0, 1, 65535, 65536, 65537, 700000}) {
    testing::write_bytes(folder / "file", counting_bytes(size));
    CHECK(to_hex(hash_file(folder / "file")) == hex_of(counting_bytes(size)));
  }
}

TEST_CASE("sha512: a pipe hashes to its end, however little it gives at a time") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const std::string bytes = counting_bytes(300000);
  std::thread writer([&] {
    for (size_t at = 0; at < bytes.size();) {
      at += write(ends[1], bytes.data() + at, std::min<size_t>(1000, bytes.size() - at));
    }
    close(ends[1]);
  });
  const std::string hex = to_hex(hash_file("/proc/self/fd/" + std::to_string(ends[0])));
  writer.join();
  close(ends[0]);
  CHECK(hex == hex_of(bytes));
}

TEST_CASE("sha512: a file that changes while it is read is hashed to the end it then has") {
  const testing::TempDir folder;
  const std::string path = folder / "file";
  const std::string bytes = counting_bytes(3'000'000);
  std::error_code error;
  uint64_t counted = 0;

  testing::write_bytes(path, bytes);
  const Sha512Digest shortened = hash_file(path, error, [&](uint64_t count) {
    counted += count;
    std::filesystem::resize_file(path, counted);
  });
  CHECK_FALSE(error);
  CHECK(counted < bytes.size());
  CHECK(to_hex(shortened) == hex_of(bytes.substr(0, counted)));

  testing::write_bytes(path, bytes);
  counted = 0;
  const Sha512Digest grown = hash_file(path, error, [&](uint64_t count) {
    if (counted == 0) {
      std::ofstream(path, std::ios::app) << "more";
    }
    counted += count;
  });
  CHECK(counted == bytes.size() + 4);
  CHECK(to_hex(grown) == hex_of(bytes + "more"));
}

TEST_CASE("sha512: a stream hashes from where it stands, and again after its end as empty") {
  const std::string bytes = counting_bytes(300000);
  std::istringstream stream("skipped" + bytes);
  stream.ignore(7);
  std::error_code error;
  CHECK(to_hex(hash_stream(stream, error)) == hex_of(bytes));
  CHECK_FALSE(error);
  CHECK(to_hex(hash_stream(stream, error)) == kEmpty);
  CHECK_FALSE(error);
}

TEST_CASE("sha512: what cannot be read is an error that names the file and the reason") {
  const testing::TempDir folder;
  const std::string missing = folder / "missing";
  CHECK_THROWS_WITH(hash_file(missing), "cannot read " + missing + ": No such file or directory");
  CHECK_THROWS_AS(hash_file(folder.path()), Error);

  std::error_code error;
  hash_file(missing, error);
  CHECK(error == std::errc::no_such_file_or_directory);
  hash_file(folder.path(), error);
  CHECK(error == std::errc::is_a_directory);
}

TEST_CASE("sha512: a stream that fails to read is an error, not the digest of what came before") {
  const testing::TempDir folder;
  std::ifstream directory(folder.path(), std::ios::binary);
  std::error_code error;
  hash_stream(directory, error);
  CHECK(error == std::errc::is_a_directory);
}

TEST_CASE("sha512: hexadecimal digits are lower case and keep leading zeros") {
  const std::byte bytes[] = {std::byte{0x00}, std::byte{0x0a}, std::byte{0xff}};
  CHECK(to_hex(bytes) == "000aff");
}

}  // namespace bertjit
