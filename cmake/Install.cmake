# What `cmake --install` and CPack put where, under a prefix that may be moved:
#
#   bin/bertjit               the program
#   lib/bertjit/              what it opens on demand (*.so), and the library (*.a, a room each)
#   include/bertjit/          headers, lib/cmake/bertjit/ find_package(bertjit)
#   share/                    man pages and completions, both made by the program; schemas, licence
#
# The target bertjit_package is all that is needed of it.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

get_property(core_rooms DIRECTORY PROPERTY BERTJIT_CORE_ROOMS)
get_property(torch_rooms DIRECTORY PROPERTY BERTJIT_TORCH_ROOMS)
list(REMOVE_ITEM torch_rooms mutate) # for tests

# bertjit::core and bertjit::bertjit, in this build too.
function(bertjit_public_library target name)
  add_library(${target} INTERFACE)
  target_link_libraries(${target} INTERFACE ${ARGN})
  target_compile_features(${target} INTERFACE cxx_std_20)
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  add_library(bertjit::${name} ALIAS ${target})
endfunction()
list(TRANSFORM core_rooms PREPEND bertjit_ OUTPUT_VARIABLE core_targets)
list(TRANSFORM torch_rooms PREPEND bertjit_ OUTPUT_VARIABLE torch_targets)
bertjit_public_library(bertjit_core core ${core_targets})
bertjit_public_library(bertjit_library bertjit bertjit_core ${torch_targets})
set_target_properties(bertjit_icu PROPERTIES EXPORT_NAME icu)
set_target_properties(bertjit_libtorch PROPERTIES EXPORT_NAME libtorch)

if(NOT PROJECT_IS_TOP_LEVEL)
  return() # a project that bertjit is a part of installs what it likes
endif()

set(config_dir lib/cmake/bertjit)
string(REGEX MATCH "^[0-9]+\\.[0-9]+" BERTJIT_TORCH_SERIES ${Torch_VERSION})
configure_package_config_file(cmake/bertjitConfig.cmake.in bertjitConfig.cmake INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(bertjitConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/bertjitConfig.cmake ${PROJECT_BINARY_DIR}/bertjitConfigVersion.cmake
  DESTINATION ${config_dir})
install(TARGETS bertjit_core bertjit_icu ${core_targets} EXPORT bertjitCoreTargets ARCHIVE DESTINATION lib/bertjit)
install(TARGETS bertjit_library bertjit_libtorch ${torch_targets} EXPORT bertjitTargets ARCHIVE DESTINATION lib/bertjit)
install(EXPORT bertjitCoreTargets NAMESPACE bertjit:: DESTINATION ${config_dir})
install(EXPORT bertjitTargets NAMESPACE bertjit:: DESTINATION ${config_dir})
foreach(room IN LISTS core_rooms torch_rooms)
  file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lib/${room}/*.h)
  list(FILTER headers EXCLUDE REGEX "_testing\\.h$")
  install(FILES ${headers} DESTINATION include/bertjit/${room})
endforeach()

install(TARGETS bertjit RUNTIME DESTINATION bin)
install(TARGETS bertjit_engine bertjit_text LIBRARY DESTINATION lib/bertjit)

# Man pages and completions come from the program's own flags, so they cannot be out of date.
set(pages ${PROJECT_BINARY_DIR}/pages)
add_custom_command(OUTPUT ${pages}/bertjit.bash
  COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:bertjit> -DFOLDER=${pages} -P ${PROJECT_SOURCE_DIR}/cmake/write_pages.cmake
  DEPENDS bertjit cmake/write_pages.cmake
  COMMENT "Writing man pages and completions")
add_custom_target(bertjit_pages ALL DEPENDS ${pages}/bertjit.bash)
add_custom_target(bertjit_package DEPENDS bertjit_pages bertjit bertjit_engine bertjit_text ${core_targets} ${torch_targets})
install(DIRECTORY ${pages}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR})
install(FILES ${pages}/bertjit.bash DESTINATION share/bash-completion/completions RENAME bertjit)
install(FILES ${pages}/bertjit.fish DESTINATION share/fish/vendor_completions.d)
foreach(folder IN ITEMS site-functions vendor-completions) # zsh's own; Debian's, for packages
  install(FILES ${pages}/_bertjit DESTINATION share/zsh/${folder})
endforeach()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(FILES README.md docs/CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/formats/schemas DESTINATION share/bertjit)

# scripts/package.sh makes both. libtorch is no package of Debian 12: the program finds it when it runs.
set(CPACK_GENERATOR DEB TGZ)
set(CPACK_PACKAGE_VENDOR "bertjit")
set(CPACK_PACKAGE_CONTACT "bertjit maintainers")
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PACKAGE_DESCRIPTION "Checkpoints are traced, and TorchScript files verified, compared, scanned and checksummed, \
without Python.
What runs models needs libtorch ${BERTJIT_TORCH_SERIES}, which is looked for when the program runs: in BERTJIT_LIBTORCH, \
beside the program, where Python's torch is.")
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${TORCH_INSTALL_PREFIX}/lib)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS
  "python3-pip, cmake, g++, catch2, libicu-dev, libssl-dev, nlohmann-json3-dev, zlib1g-dev")
include(CPack)
