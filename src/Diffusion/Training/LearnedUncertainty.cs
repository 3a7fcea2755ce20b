using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Training;

/// <summary>
/// A learned log-variance u of each noise level, which makes a loss L into L/eᵘ + u: every level's gradients are then of one size, and at the optimum u is the logarithm of the level's mean
/// loss. It is thrown away after training. (Karras et al. 2024, eq. 14 and appendix B.1; Kendall et al. 2018)
/// </summary>
/// <remarks>
/// A linear function of random Fourier features of ¼·ln(σ/α). It begins at u = 0, the loss as it is. Owns its parameters: dispose of it, and move it to the device of the network. Give it to
/// <see cref="DenoisingObjective.Uncertainty"/>, whose training run trains and saves it along with the network.
/// </remarks>
public sealed class LearnedUncertainty : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "frequencies")]
    private readonly Parameter _frequencies;

    [ComponentName(Name = "phases")]
    private readonly Parameter _phases;

    [ComponentName(Name = "readout")]
    private readonly Linear _readout;

    /// <summary>A function with random features.</summary>
    /// <param name="features">Number of features, at least 1; 128 in the paper.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="features"/> is less than 1.</exception>
    /// <exception cref="InvalidOperationException">The application brought no libtorch; the message names the packages to add.</exception>
    public LearnedUncertainty(long features = 128) : base(TorchBackend.Checked(nameof(LearnedUncertainty)))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        _frequencies = Fixed(randn(features));
        _phases = Fixed(rand(features));
        _readout = nn.Linear(features, 1);
        nn.init.zeros_(_readout.weight);
        nn.init.zeros_(_readout.bias!);
        RegisterComponents();
    }

    /// <summary>u.</summary>
    /// <param name="input">¼·ln(σ/α) of each sample, [batch]; what <see cref="NoiseLabel.QuarterLogSigma"/> gives.</param>
    /// <returns>[batch] in float32.</returns>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.dim() != 1) throw new ArgumentException($"The levels have shape [{string.Join(", ", input.shape)}]; [batch] is needed.", nameof(input));
        using var scope = NewDisposeScope();
        var phase = (input.to(float32).unsqueeze(1) * _frequencies + _phases) * (2 * Math.PI);
        return _readout.call(phase.cos().mul_(Math.Sqrt(2))).squeeze(1).MoveToOuterDisposeScope();
    }

    // Saved with the module and not trained.
    private static Parameter Fixed(Tensor values)
    {
        var parameter = nn.Parameter(values, requires_grad: false);
        parameter.DetachFromDisposeScope();
        return parameter;
    }
}
