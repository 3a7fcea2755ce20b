using Diffusion.Schedules;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Training;

/// <summary>
/// A variance-preserving schedule whose log-SNR is a monotone network of the time, with its two ends learned as well: γ(t) = −log-SNR = γ₀ + (γ₁ − γ₀)·(m(t) − m(0))/(m(1) − m(0)) with
/// m(t) = a·t + Σ w·sigmoid(s·(t − c)) and positive a, w, s. Begins all but linear. (Kingma et al. 2021, section 3.1 and appendix H)
/// </summary>
/// <remarks>Trained by <see cref="ContinuousBoundObjective"/>. <see cref="Freeze"/> makes a schedule of it for sampling and evaluation. Nothing random is drawn.</remarks>
public sealed class LearnedSchedule : nn.Module
{
    [ComponentName(Name = "start")]
    private readonly Parameter _start; // γ₀

    [ComponentName(Name = "width")]
    private readonly Parameter _width; // softplus gives γ₁ − γ₀

    [ComponentName(Name = "rate")]
    private readonly Parameter _rate; // softplus gives a

    [ComponentName(Name = "weights")]
    private readonly Parameter _weights; // softplus gives w

    [ComponentName(Name = "steepness")]
    private readonly Parameter _steepness; // softplus gives s

    [ComponentName(Name = "centres")]
    private readonly Parameter _centres; // c

    /// <summary>A schedule to begin with.</summary>
    /// <param name="startLogSnr">Log-SNR at t = 0, finite; 13.3 in the paper.</param>
    /// <param name="endLogSnr">Log-SNR at t = 1, finite and below the first; −5 in the paper.</param>
    /// <param name="units">Sigmoids of the network, at least 1.</param>
    /// <param name="learnEnds">Whether the two ends are learned; they stay in any case where nothing but the shape between them is to be.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public LearnedSchedule(double startLogSnr = 13.3, double endLogSnr = -5, int units = 32, bool learnEnds = true) : base(nameof(LearnedSchedule))
    {
        if (!double.IsFinite(startLogSnr)) throw new ArgumentOutOfRangeException(nameof(startLogSnr), startLogSnr, "The log-SNR at t = 0 must be finite.");
        if (!(endLogSnr < startLogSnr) || !double.IsFinite(endLogSnr)) throw new ArgumentOutOfRangeException(nameof(endLogSnr), endLogSnr, "The log-SNR at t = 1 must be finite and below that at t = 0.");
        ArgumentOutOfRangeException.ThrowIfLessThan(units, 1);
        TorchBackend.EnsureLoaded();
        LearnsEnds = learnEnds;
        using var scope = NewDisposeScope();
        static Parameter Make(Tensor value, bool learned = true) => (Parameter)nn.Parameter(value.to(float32), learned).DetachFromDisposeScope();
        _start = Make(tensor(-startLogSnr), learnEnds);
        _width = Make(tensor(InverseSoftplus(startLogSnr - endLogSnr)), learnEnds);
        _rate = Make(tensor(InverseSoftplus(1)));
        _weights = Make(full(units, InverseSoftplus(0.5 / units), float64));
        _steepness = Make(full(units, InverseSoftplus(Math.Max(4, units / 2.0)), float64));
        _centres = Make((arange(units, dtype: float64) + 0.5) / units);
        RegisterComponents();
    }

    /// <summary>Whether the two ends are learned.</summary>
    public bool LearnsEnds { get; }

    /// <summary>The schedule as it is now: plain numbers, which do not change when training goes on. A network is told the noise by <see cref="NoiseLabel.LogSigma"/> or another label of the level.</summary>
    public MonotoneSchedule Freeze()
    {
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        static double[] Numbers(Tensor tensor) => tensor.to(float64).cpu().reshape(-1).data<double>().ToArray();
        var start = -Numbers(_start)[0];
        return new MonotoneSchedule(start, start - Softplus(Numbers(_width)[0]), Softplus(Numbers(_rate)[0]),
            Array.ConvertAll(Numbers(_weights), Softplus), Array.ConvertAll(Numbers(_steepness), Softplus), Numbers(_centres));
    }

    /// <summary>γ₀ and γ₁ − γ₀ as tensors of no dimension in float64.</summary>
    internal (Tensor Start, Tensor Width) Ends() => (_start.to(float64), nn.functional.softplus(_width.to(float64)));

    /// <summary>The path between the ends, from 0 to 1, and its slope: [times] in float64. Differentiable in the network between the ends alone.</summary>
    internal (Tensor Value, Tensor Slope) Path(double[] times)
    {
        using var scope = NewDisposeScope();
        var rate = nn.functional.softplus(_rate.to(float64));
        var (weights, steepness) = (nn.functional.softplus(_weights.to(float64)), nn.functional.softplus(_steepness.to(float64)));
        var all = tensor((double[])[.. times, 0, 1], float64, _rate.device).unsqueeze(1);
        var sigmoid = (steepness * (all - _centres.to(float64))).sigmoid(); // [times + 2, units]
        var value = rate * all.squeeze(1) + (weights * sigmoid).sum(1);
        var slope = rate + (weights * steepness * sigmoid * (1 - sigmoid)).sum(1);
        var (origin, range) = (value[times.Length], value[times.Length + 1] - value[times.Length]);
        return (((value[..times.Length] - origin) / range).MoveToOuterDisposeScope(), (slope[..times.Length] / range).MoveToOuterDisposeScope());
    }

    private static double InverseSoftplus(double value) => value > 30 ? value : Math.Log(Exponentials.Expm1(value));

    private static double Softplus(double value) => value > 20 ? value : Exponentials.Log1p(Math.Exp(value)); // as libtorch does
}
