# room(NAME FOLDER [ON room...] [LIBS library...]): a static library of all C files in FOLDER.
# LIBS are the room's own: they are private, so a header that leaks their types does not compile elsewhere.
function(room name folder)
    cmake_parse_arguments(R "" "" "ON;LIBS" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.c)
    if(sources)
        add_library(${name} STATIC ${sources})
        target_link_libraries(${name} PUBLIC ${R_ON} PRIVATE ${R_LIBS})
    else()
        add_library(${name} INTERFACE)
        target_link_libraries(${name} INTERFACE ${R_ON})
    endif()
endfunction()
