using System.Runtime.InteropServices;

namespace Diffusion;

/// <summary>
/// libtorch's autocast, which TorchSharp does not expose: while it is on, for the thread that switched it on, convolutions and products of float32
/// tensors are computed in bfloat16. Everything that needs its precision (sums, norms, softmax) keeps it, and parameters stay as they are.
/// </summary>
internal sealed class Autocast
{
    private const sbyte BFloat16 = 15; // c10::ScalarType

    private static readonly Lazy<Autocast?> Probed = new(() => Find(OperatingSystem.IsWindows() ? AutocastSymbols.Microsoft : AutocastSymbols.Itanium));

    private readonly IsEnabled _isEnabled;
    private readonly SetEnabled _setEnabled;
    private readonly GetDtype _getType;
    private readonly SetType _setType;
    private readonly ClearCache _clearCache;

    private Autocast(nint library, AutocastSymbols symbols)
    {
        T Export<T>(string name) where T : Delegate => Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(library, name));
        _isEnabled = Export<IsEnabled>(symbols.IsEnabled);
        _setEnabled = Export<SetEnabled>(symbols.SetEnabled);
        _getType = Export<GetDtype>(symbols.GetDtype);
        _setType = Export<SetType>(symbols.SetType);
        _clearCache = Export<ClearCache>(symbols.ClearCache);
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    [return: MarshalAs(UnmanagedType.U1)]
    private delegate bool IsEnabled(sbyte device);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void SetEnabled(sbyte device, [MarshalAs(UnmanagedType.U1)] bool on);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate sbyte GetDtype(sbyte device);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void SetType(sbyte device, sbyte type);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void ClearCache();

    /// <summary>The gateway, or null where this libtorch cannot be reached that way.</summary>
    public static Autocast? Instance => Probed.Value;

    /// <summary>Looks the functions up by name and tries them; null where one is missing or does not do what it should.</summary>
    public static Autocast? Find(AutocastSymbols symbols)
    {
        TorchBackend.EnsureLoaded();
        if (!NativeLibrary.TryLoad("torch_cpu", typeof(torch).Assembly, null, out var library)) return null;
        try
        {
            var found = new Autocast(library, symbols);
            return found.Works() ? found : null;
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Whether bfloat16 is on for a kind of device on this thread.</summary>
    public bool IsOn(DeviceType device) => _isEnabled((sbyte)device);

    /// <summary>Switches bfloat16 on, on this thread, until the result is disposed there.</summary>
    public IDisposable Enter(DeviceType device) => new Region(this, (sbyte)device);

    private bool Works()
    {
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var (x, before) = (ones(2, 2), IsOn(DeviceType.CPU));
        using (Enter(DeviceType.CPU))
            if (mm(x, x).dtype != ScalarType.BFloat16 || x.add(x).dtype != ScalarType.Float32) return false;
        return IsOn(DeviceType.CPU) == before && (before || mm(x, x).dtype == ScalarType.Float32);
    }

    private sealed class Region : IDisposable
    {
        private readonly Autocast _autocast;
        private readonly sbyte _device, _type;
        private readonly bool _enabled;
        private bool _left;

        public Region(Autocast autocast, sbyte device)
        {
            (_autocast, _device) = (autocast, device);
            (_enabled, _type) = (autocast._isEnabled(device), autocast._getType(device));
            autocast._setType(device, BFloat16);
            autocast._setEnabled(device, true);
        }

        public void Dispose()
        {
            if (_left) return;
            _left = true;
            _autocast._setEnabled(_device, _enabled);
            _autocast._setType(_device, _type);
            if (!_enabled) _autocast._clearCache(); // of converted weights, which the optimizer is about to change
        }
    }
}
