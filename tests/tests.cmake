# Tests are found by where they stand:
#   tests/unit/<room>/test_*.c   a cmocka program linked with that room (trust_list, policy, gateway_http, ...)
#   tests/property/<room>/*.c    the same, slower
#   tests/fuzz/fuzz_<x>.c        first line names its room: /* room: trust_list */; corpus in tests/fuzz/corpus/<x>/
#   tests/conformance/conformance_<suite>.c   a program that reads a data folder; first line names its room;
#                                             <suite>_*.c beside it belong to it
file(GLOB support_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/support/*.c)
if(support_sources)
    add_library(test_support STATIC ${support_sources})
    target_link_libraries(test_support PUBLIC trust_base PRIVATE OpenSSL::Crypto pkg::jansson)
else()
    add_library(test_support INTERFACE)
endif()
add_library(test_rooms_libs INTERFACE)
target_link_libraries(test_rooms_libs INTERFACE test_support pkg::cmocka OpenSSL::Crypto OpenSSL::SSL pkg::jansson
    pkg::libxml2 pkg::xmlsec pkg::libcurl pkg::sqlite3 pkg::libuv pkg::libnghttp2 pkg::libzip)

function(first_line_room file out)
    file(STRINGS ${file} line LIMIT_COUNT 1)
    if(NOT line MATCHES "room: ([a-z_]+)")
        message(FATAL_ERROR "${file}: the first line must name the room, like /* room: trust_list */")
    endif()
    set(${out} ${CMAKE_MATCH_1} PARENT_SCOPE)
endfunction()

foreach(kind unit property)
    file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${kind}/*/*.c)
    foreach(test ${tests})
        get_filename_component(name ${test} NAME_WE)
        get_filename_component(folder ${test} DIRECTORY)
        get_filename_component(room ${folder} NAME)
        add_executable(${name} ${test})
        target_link_libraries(${name} PRIVATE ${room} test_rooms_libs)
        add_test(NAME ${room}/${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
        set_tests_properties(${room}/${name} PROPERTIES LABELS "${room};${kind}" TIMEOUT 120
            ENVIRONMENT "SEKISHO_SHARED=${CMAKE_SOURCE_DIR}/../shared")
    endforeach()
endforeach()

file(GLOB targets CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
foreach(target ${targets})
    get_filename_component(name ${target} NAME_WE)
    string(REPLACE "fuzz_" "" short ${name})
    first_line_room(${target} room)
    if(SEKISHO_FUZZ)
        add_executable(${name} ${target})
        target_link_libraries(${name} PRIVATE ${room} test_rooms_libs -fsanitize=fuzzer)
    else()
        add_executable(${name} ${target} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
        target_link_libraries(${name} PRIVATE ${room} test_rooms_libs)
        add_test(NAME fuzz/${short} COMMAND ${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${short})
        set_tests_properties(fuzz/${short} PROPERTIES LABELS "${room};fuzz" TIMEOUT 120)
    endif()
endforeach()

file(GLOB suites CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/conformance/conformance_*.c)
foreach(suite ${suites})
    get_filename_component(name ${suite} NAME_WE)
    first_line_room(${suite} room)
    string(REPLACE "conformance_" "" short ${name})
    file(GLOB parts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/conformance/${short}_*.c)
    add_executable(${name} ${suite} ${parts} ${CMAKE_SOURCE_DIR}/tests/conformance/suite.c
        ${CMAKE_SOURCE_DIR}/tests/conformance/suite_deviations.c)
    target_link_libraries(${name} PRIVATE ${room} test_rooms_libs)
endforeach()

add_test(NAME rooms COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_SOURCE_DIR} -P ${CMAKE_SOURCE_DIR}/tests/rooms.cmake)
set_tests_properties(rooms PROPERTIES LABELS "fast")

# Flow tests drive the whole binary; each file in tests/flow/ named test_*.py is one.
if(TARGET sekisho)
    file(GLOB flows CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/flow/test_*.py)
    foreach(flow ${flows})
        get_filename_component(name ${flow} NAME_WE)
        add_test(NAME flow/${name} COMMAND python3 ${flow} --sekisho $<TARGET_FILE:sekisho>
            WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
        set_tests_properties(flow/${name} PROPERTIES LABELS "flow" TIMEOUT 300 RUN_SERIAL ON)
    endforeach()
endif()

# Small servers that the demo world and the flow tests run beside the gateway: tests/support/programs/*.c, one each.
file(GLOB programs CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/support/programs/*.c)
foreach(program ${programs})
    get_filename_component(name ${program} NAME_WE)
    add_executable(${name} ${program})
    target_link_libraries(${name} PRIVATE trust_base OpenSSL::Crypto OpenSSL::SSL Threads::Threads)
endforeach()

# What tests/bench/lists measures.
add_executable(list_bench ${CMAKE_SOURCE_DIR}/tests/bench/list_bench.c)
target_link_libraries(list_bench PRIVATE trust_list test_rooms_libs)

# What the parts cost by themselves: tests/bench/bench_<part>.c, run by tests/bench/run <part>.
foreach(bench trust crl)
    add_executable(bench_${bench} ${CMAKE_SOURCE_DIR}/tests/bench/bench_${bench}.c)
    target_link_libraries(bench_${bench} PRIVATE trust_path OpenSSL::Crypto pkg::libxml2 pkg::xmlsec)
endforeach()

# A figure that needs no servers; tests/bench/run prints it.
add_executable(verdict_hit ${CMAKE_SOURCE_DIR}/tests/bench/verdict_hit.c)
target_link_libraries(verdict_hit PRIVATE gateway_exchange test_rooms_libs -Wl,--wrap=malloc,--wrap=calloc)
