using TorchSharp.Modules;

namespace Diffusion.Training;

/// <summary>
/// Changes the weights of a network along their gradients: clipping by the global norm, then one fused update of all parameters. Nothing
/// waits for the device. Owns the optimizer's state; for one thread at a time.
/// </summary>
/// <remarks>
/// A step whose gradients are not finite changes nothing, so one bad batch cannot spoil the weights; <see cref="GradientNorm"/> tells.
/// Build it after the module is on its device: moving a module replaces its parameters.
/// <code>
/// using var optimizer = new WeightOptimizer(network, UpdateRule.AdamW(2e-4));
/// optimizer.ZeroGradients();
/// objective.Loss(network, batch, condition, noise).backward();
/// optimizer.Step();
/// </code>
/// </remarks>
public sealed class WeightOptimizer : IDisposable
{
    private readonly TensorKernels _kernels;
    private readonly (string Name, Parameter Value)[] _parameters;
    private readonly Tensor[][] _slots; // [slot][parameter]
    private readonly Tensor _counts; // float32 [parameter]: steps that each has taken
    private readonly Tensor[] _steps; // scalar views of _counts
    private readonly bool[] _decays;
    private readonly Tensor _gradientNorm;

    /// <summary>An optimizer of all parameters of a module that require gradients.</summary>
    /// <param name="module">Borrowed; its parameters are changed by <see cref="Step"/>.</param>
    /// <param name="rule">How.</param>
    /// <param name="maxGradientNorm">The global norm that gradients are scaled down to where they exceed it; null never. Positive.</param>
    /// <exception cref="ArgumentException">There is nothing to train, or parameters differ in type or device, or are not float32 or float64.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxGradientNorm"/> is not positive and finite.</exception>
    public WeightOptimizer(nn.Module module, UpdateRule rule, double? maxGradientNorm = 1)
        : this(Trainable(module), rule, maxGradientNorm, TensorKernels.Best)
    {
    }

    internal WeightOptimizer(IEnumerable<(string Name, Parameter Value)> parameters, UpdateRule rule, double? maxGradientNorm, TensorKernels kernels)
    {
        ArgumentNullException.ThrowIfNull(rule);
        if (maxGradientNorm is { } norm && (!(norm > 0) || !double.IsFinite(norm)))
            throw new ArgumentOutOfRangeException(nameof(maxGradientNorm), norm, "The greatest gradient norm must be positive and finite; null does not clip.");
        _parameters = [.. parameters];
        CheckAlike(_parameters);
        (Rule, MaxGradientNorm, _kernels) = (rule, maxGradientNorm, kernels);
        _decays = Array.ConvertAll(_parameters, p => rule.WeightDecay > 0 && rule.Decays(p.Name, p.Value));
        using var gradients = no_grad();
        var device = _parameters[0].Value.device;
        _slots = [.. rule.Slots.Select(_ => Array.ConvertAll(_parameters, p => zeros_like(p.Value).DetachFromDisposeScope()))];
        _counts = zeros(_parameters.Length, float32, device).DetachFromDisposeScope();
        _steps = [.. Enumerable.Range(0, _parameters.Length).Select(i => _counts[i].DetachFromDisposeScope())];
        _gradientNorm = zeros([], _parameters[0].Value.dtype, device).DetachFromDisposeScope();
    }

    /// <summary>How weights are changed.</summary>
    public UpdateRule Rule { get; }

    /// <summary>The global norm that gradients are scaled down to, or null.</summary>
    public double? MaxGradientNorm { get; }

    /// <summary>The global norm of the gradients of the last step before clipping, a scalar on the device; borrowed. Not finite where the step was skipped.</summary>
    public Tensor GradientNorm => _gradientNorm;

    /// <summary>The state by name, live and borrowed, for saving and restoring (<c>copy_</c> into it).</summary>
    public IReadOnlyDictionary<string, Tensor> State
    {
        get
        {
            var state = new Dictionary<string, Tensor>(StringComparer.Ordinal) { ["steps"] = _counts };
            for (var s = 0; s < _slots.Length; s++)
                for (var i = 0; i < _parameters.Length; i++) state.Add($"{_parameters[i].Name}:{Rule.Slots[s]}", _slots[s][i]);
            return state;
        }
    }

    /// <summary>Forgets the gradients, so that the next backward pass begins at zero.</summary>
    public void ZeroGradients()
    {
        foreach (var (_, parameter) in _parameters) parameter.grad = null;
    }

    /// <summary>Clips the gradients and changes the weights. Parameters without a gradient keep still.</summary>
    /// <param name="rateFactor">Factor on the learning rate, at least 0: a <see cref="LearningRateSchedule"/> gives it.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="rateFactor"/> is negative or not finite.</exception>
    /// <exception cref="InvalidOperationException">No parameter has a gradient.</exception>
    public void Step(double rateFactor = 1)
    {
        if (!(rateFactor >= 0) || !double.IsFinite(rateFactor)) throw new ArgumentOutOfRangeException(nameof(rateFactor), rateFactor, "The factor must be finite and at least 0.");
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var gradients = Array.ConvertAll(_parameters, p => p.Value.grad);
        var moved = Enumerable.Range(0, gradients.Length).Where(i => gradients[i] is not null).ToArray();
        if (moved.Length == 0) throw new InvalidOperationException("No parameter has a gradient. Call backward() on a loss before Step().");

        var norm = _kernels.Norm(Array.ConvertAll(moved, i => gradients[i]!));
        _gradientNorm.copy_(norm);
        var skip = norm.isfinite().logical_not_().to(float32); // 1 where nothing may change
        var divisor = MaxGradientNorm is { } max ? norm.add(1e-6).div_(max).clamp_(min: 1).to(float32) : null;
        if (moved.Length == _parameters.Length) _counts.add_(1 - skip);
        else foreach (var i in moved) _steps[i].add_(1 - skip);

        var rate = Rule.LearningRate * rateFactor;
        foreach (var group in moved.GroupBy(i => _decays[i]))
        {
            int[] members = [.. group];
            Tensor[] Slot(int s) => s < _slots.Length ? Array.ConvertAll(members, i => _slots[s][i]) : [];
            var tensors = new ParameterTensors(
                Array.ConvertAll(members, i => (Tensor)_parameters[i].Value), Array.ConvertAll(members, i => gradients[i]!), Slot(0), Slot(1), Array.ConvertAll(members, i => _steps[i]));
            Rule.Apply(_kernels, tensors, rate, group.Key ? Rule.WeightDecay : 0, divisor, skip);
        }
    }

    /// <summary>Frees the state. The parameters stay.</summary>
    public void Dispose()
    {
        foreach (var slot in _slots)
            foreach (var t in slot) t.Dispose();
        foreach (var step in _steps) step.Dispose();
        _counts.Dispose();
        _gradientNorm.Dispose();
    }

    internal static IEnumerable<(string Name, Parameter Value)> Trainable(nn.Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        return module.named_parameters().Where(p => p.parameter.requires_grad);
    }

    // The fused kernels take one type and one device.
    private static void CheckAlike((string Name, Parameter Value)[] parameters)
    {
        if (parameters.Length == 0) throw new ArgumentException("There is nothing to train: no parameter requires a gradient.", nameof(parameters));
        var first = parameters[0];
        foreach (var (name, value) in parameters)
        {
            if (value.dtype is not (ScalarType.Float32 or ScalarType.Float64))
                throw new ArgumentException($"Parameter '{name}' is {value.dtype}; weights are trained in Float32 or Float64.", nameof(parameters));
            if (value.dtype != first.Value.dtype || value.device.ToString() != first.Value.device.ToString())
                throw new ArgumentException(
                    $"Parameter '{name}' is {value.dtype} on {value.device}, but '{first.Name}' is {first.Value.dtype} on {first.Value.device}; all must be alike.", nameof(parameters));
        }
    }
}
