# A room is a folder of lib/: one library, its tests beside it.
#
#   bertjit_room(checksum USES support LINKS OpenSSL::Crypto)
#   bertjit_room(models TORCH USES support checkpoint)
#   bertjit_room(verify TORCH USES module infer TESTS_USE trace TEST_PARTS "verify: no clean")
#
# USES names the rooms it may call; that line is the layering. TESTS_USE names further ones that only its tests call,
# to make what the room judges; TEST_PARTS are said at bertjit_test_program. TORCH marks rooms that need libtorch: they share one
# precompiled header (20 s a file otherwise) and may be used only by other such rooms.
# Sources and tests are found by pattern: *.cpp, and *_test.cpp for the tests. A project that bertjit is a part of does
# not get the tests. A room's tests are one program and one
# ctest entry, labelled unit (no libtorch), model (libtorch) or cli (the whole program).
# What Install.cmake installs: the rooms in BERTJIT_CORE_ROOMS and BERTJIT_TORCH_ROOMS, properties of the project.

function(bertjit_compile_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wno-missing-field-initializers
    # g++ 12 warns about std::string operator+ in its own headers (GCC bug 105651).
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
endfunction()

# libtorch hides the type information that -fsanitize=vptr asks for.
set(BERTJIT_TORCH_OPTIONS "")
if(BERTJIT_SANITIZE MATCHES "undefined")
  set(BERTJIT_TORCH_OPTIONS -fno-sanitize=vptr)
endif()

# The library every libtorch room borrows its precompiled header from.
function(bertjit_torch_headers)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/torch_headers.cpp CONTENT "// Exists to compile torch_headers.h once.\n")
  add_library(bertjit_torch_headers OBJECT ${CMAKE_BINARY_DIR}/torch_headers.cpp)
  target_link_libraries(bertjit_torch_headers PUBLIC bertjit_libtorch)
  target_include_directories(bertjit_torch_headers PUBLIC ${PROJECT_SOURCE_DIR}/lib)
  set_target_properties(bertjit_torch_headers PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(bertjit_torch_headers PRIVATE -fPIC ${BERTJIT_TORCH_OPTIONS})
  target_precompile_headers(bertjit_torch_headers PRIVATE ${PROJECT_SOURCE_DIR}/cmake/torch_headers.h)
  bertjit_compile_options(bertjit_torch_headers)
endfunction()

# Objects of a program must be compiled like those of a library (-fPIC, not -fPIE) to share the precompiled header.
function(bertjit_use_torch target)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${target} PRIVATE -fPIC ${BERTJIT_TORCH_OPTIONS})
  target_link_libraries(${target} PUBLIC bertjit_libtorch)
  target_precompile_headers(${target} REUSE_FROM bertjit_torch_headers)
endfunction()

function(bertjit_room name)
  cmake_parse_arguments(ROOM "TORCH" "" "USES;LINKS;TESTS_USE;TEST_PARTS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp)
  if(tests)
    list(REMOVE_ITEM sources ${tests})
  endif()

  if(sources)
    add_library(bertjit_${name} STATIC ${sources})
    set(scope PUBLIC)
    bertjit_compile_options(bertjit_${name})
    if(ROOM_TORCH)
      bertjit_use_torch(bertjit_${name})
    endif()
  else()
    add_library(bertjit_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(bertjit_${name} ${scope} $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/lib>
                                                      $<INSTALL_INTERFACE:include/bertjit>)
  list(TRANSFORM ROOM_USES PREPEND bertjit_)
  target_link_libraries(bertjit_${name} ${scope} ${ROOM_USES} ${ROOM_LINKS})
  set_target_properties(bertjit_${name} PROPERTIES EXPORT_NAME ${name})
  if(ROOM_TORCH)
    set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY BERTJIT_TORCH_ROOMS ${name})
  else()
    set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY BERTJIT_CORE_ROOMS ${name})
  endif()

  if(tests AND PROJECT_IS_TOP_LEVEL)
    list(TRANSFORM ROOM_TESTS_USE PREPEND bertjit_)
    set(label unit)
    if(ROOM_TORCH)
      set(label model)
    endif()
    bertjit_test_program(bertjit_${name}_tests TESTS ${tests} LABEL ${label} LINKS bertjit_${name} ${ROOM_TESTS_USE}
                         PARTS ${ROOM_TEST_PARTS})
    if(ROOM_TORCH)
      bertjit_use_torch(bertjit_${name}_tests)
    endif()
  endif()
endfunction()

# One ctest entry a program, not a case: loading libtorch costs half a second each time. Catch2 prints what failed.
# PARTS are beginnings of test names that take minutes: each is an entry of its own, so that cores share them.
function(bertjit_test_program program)
  cmake_parse_arguments(PROGRAM "" "LABEL" "TESTS;LINKS;PARTS" ${ARGN})
  add_executable(${program} ${PROGRAM_TESTS})
  target_link_libraries(${program} PRIVATE bertjit_testing ${PROGRAM_LINKS})
  bertjit_compile_options(${program})
  # A test's own code is nothing to make fast, and two thirds of the time to compile. What it tests is optimised in full.
  target_compile_options(${program} PRIVATE $<$<CONFIG:Release>:-O1>)
  string(REGEX REPLACE "^bertjit_(.*)_tests$" "\\1" entry ${program})
  set(rest "")
  foreach(part IN LISTS PROGRAM_PARTS)
    string(REGEX REPLACE "[^a-z0-9]+" "-" name "${entry} ${part}")
    add_test(NAME ${name} COMMAND ${program} --warn NoTests "${part}*")
    # Long ones first, so that none is left to run alone at the end.
    set_tests_properties(${name} PROPERTIES LABELS ${PROGRAM_LABEL} TIMEOUT 1800 COST 100)
    list(APPEND rest "~${part}*")
  endforeach()
  add_test(NAME ${entry} COMMAND ${program} ${rest})
  set_tests_properties(${entry} PROPERTIES LABELS ${PROGRAM_LABEL} TIMEOUT 1800)
endfunction()

# bertjit_embed_files(target profiles *.json AS target_profiles): the files of a room's folder, and of folders in it,
# that match become strings of its library, sorted by path: std::span<const EmbeddedFile> target_profiles(), which a
# header of the room declares.
function(bertjit_embed_files room folder pattern as function)
  set(root ${CMAKE_CURRENT_SOURCE_DIR}/${folder})
  file(GLOB_RECURSE files RELATIVE ${root} CONFIGURE_DEPENDS ${root}/${pattern})
  list(SORT files)
  set(inputs ${files})
  list(TRANSFORM inputs PREPEND ${root}/)
  list(JOIN files "|" files)
  set(script ${PROJECT_SOURCE_DIR}/cmake/embed_files.cmake)
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/${function}.cpp)
  add_custom_command(OUTPUT ${generated}
    COMMAND ${CMAKE_COMMAND} -DFOLDER=${root} "-DFILES=${files}" -DFUNCTION=${function} -DOUTPUT=${generated} -P ${script}
    DEPENDS ${inputs} ${script}
    COMMENT "Embedding ${folder} of ${room}"
    VERBATIM)
  target_sources(bertjit_${room} PRIVATE ${generated})
endfunction()
