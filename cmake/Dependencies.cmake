# Everything that comes from elsewhere, found once.
#
# OpenSSL is linked statically into the program: `bertjit checksum` on a small file is judged against sha512sum, which
# loads nothing, and each shared library costs it a few tenths of a millisecond. Whole processes of `checksum` on 1 kB,
# medians of 400 on Debian 12 where sha512sum takes 0.80 ms:
#   the program as it is                         1.92 ms, 2.4 x
#   linked with ICU                              2.10 ms, 2.6 x; 3 x is the aim, and the program will grow
# So what needs ICU is a library of its own, which the program opens on demand, as is what needs libtorch (lib/engine).
# ICU and zlib are shared because Debian's static ones cannot go into a shared library.
#
# SentencePiece's library is not among them: lib/tokenize/sentencepiece_processor.h says why.

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

if(BERTJIT_SANITIZE)
  add_compile_options(-fsanitize=${BERTJIT_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${BERTJIT_SANITIZE})
endif()

set(OPENSSL_USE_STATIC_LIBS ON)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(Catch2 2.13 REQUIRED)

find_library(ICU_UC_LIBRARY NAMES icuuc REQUIRED)
find_library(ICU_DATA_LIBRARY NAMES icudata REQUIRED)
find_path(ICU_INCLUDE_DIR unicode/unistr.h REQUIRED)
add_library(bertjit_icu INTERFACE)
target_include_directories(bertjit_icu SYSTEM INTERFACE $<BUILD_INTERFACE:${ICU_INCLUDE_DIR}>)
target_link_libraries(bertjit_icu INTERFACE $<BUILD_INTERFACE:${ICU_UC_LIBRARY}> $<BUILD_INTERFACE:${ICU_DATA_LIBRARY}>
                                            ${CMAKE_DL_LIBS} Threads::Threads)

# libtorch: TORCH_DIR (environment or cache) names the folder that holds lib/ and share/cmake; else CMAKE_PREFIX_PATH;
# else what scripts/setup.sh put under .deps.
if(NOT TORCH_DIR AND DEFINED ENV{TORCH_DIR})
  set(TORCH_DIR $ENV{TORCH_DIR})
endif()
set(TORCH_DIR "${TORCH_DIR}" CACHE PATH "Folder of libtorch (holds lib/, include/ and share/cmake/)")
if(TORCH_DIR)
  list(PREPEND CMAKE_PREFIX_PATH ${TORCH_DIR})
elseif(NOT DEFINED ENV{CMAKE_PREFIX_PATH} AND NOT CMAKE_PREFIX_PATH)
  file(GLOB bundled_torch ${PROJECT_SOURCE_DIR}/.deps/venv/lib/python3*/site-packages/torch)
  list(APPEND CMAKE_PREFIX_PATH ${bundled_torch})
endif()
find_package(Torch 2.6 QUIET)
if(NOT Torch_FOUND)
  message(FATAL_ERROR
    "libtorch >= 2.6 not found. Run scripts/setup.sh, or set TORCH_DIR to the folder of a libtorch "
    "(the one that holds lib/ and share/cmake/).")
endif()
message(STATUS "libtorch ${Torch_VERSION} in ${TORCH_INSTALL_PREFIX}")
# This one and bertjit_icu hold paths of this machine; where bertjit is installed, bertjitConfig.cmake fills them anew.
add_library(bertjit_libtorch INTERFACE)
target_link_libraries(bertjit_libtorch INTERFACE "$<BUILD_INTERFACE:${TORCH_LIBRARIES}>")
