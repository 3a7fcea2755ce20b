namespace Diffusion;

/// <summary>The exported names of libtorch's autocast functions.</summary>
internal sealed record AutocastSymbols(string IsEnabled, string SetEnabled, string GetDtype, string SetType, string ClearCache)
{
    /// <summary>As GCC and Clang write them: Linux and macOS.</summary>
    public static AutocastSymbols Itanium { get; } = new(
        "_ZN2at8autocast19is_autocast_enabledEN3c1010DeviceTypeE",
        "_ZN2at8autocast20set_autocast_enabledEN3c1010DeviceTypeEb",
        "_ZN2at8autocast18get_autocast_dtypeEN3c1010DeviceTypeE",
        "_ZN2at8autocast18set_autocast_dtypeEN3c1010DeviceTypeENS1_10ScalarTypeE",
        "_ZN2at8autocast11clear_cacheEv");

    /// <summary>As Microsoft's compiler writes them.</summary>
    public static AutocastSymbols Microsoft { get; } = new(
        "?is_autocast_enabled@autocast@at@@YA_NW4DeviceType@c10@@@Z",
        "?set_autocast_enabled@autocast@at@@YAXW4DeviceType@c10@@_N@Z",
        "?get_autocast_dtype@autocast@at@@YA?AW4ScalarType@c10@@W4DeviceType@4@@Z",
        "?set_autocast_dtype@autocast@at@@YAXW4DeviceType@c10@@W4ScalarType@4@@Z",
        "?clear_cache@autocast@at@@YAXXZ");
}
