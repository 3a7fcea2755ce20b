namespace Diffusion.Training;

/// <summary>
/// How gradients change weights: the settings of Adam, AdamW or gradient descent. Immutable; <see cref="WeightOptimizer"/> holds the state.
/// </summary>
public abstract class UpdateRule
{
    private protected UpdateRule(string name, double learningRate, double weightDecay, Func<string, Tensor, bool>? decays)
    {
        CheckAtLeastZero(learningRate, nameof(learningRate));
        CheckAtLeastZero(weightDecay, nameof(weightDecay));
        (Name, LearningRate, WeightDecay) = (name, learningRate, weightDecay);
        Decays = decays ?? (static (_, parameter) => parameter.dim() >= 2);
    }

    /// <summary>What the rule is called; for messages and checkpoints.</summary>
    public string Name { get; }

    /// <summary>The learning rate before a schedule's factor.</summary>
    public double LearningRate { get; }

    /// <summary>The weight decay of the parameters that have one.</summary>
    public double WeightDecay { get; }

    /// <summary>Which parameters decay, by name and tensor. By default those with two axes or more: not biases, not norms.</summary>
    public Func<string, Tensor, bool> Decays { get; }

    /// <summary>Adam with decoupled weight decay. (Loshchilov and Hutter 2019)</summary>
    /// <param name="learningRate">At least 0.</param>
    /// <param name="weightDecay">At least 0.</param>
    /// <param name="beta1">Decay of the mean of gradients, in [0, 1).</param>
    /// <param name="beta2">Decay of the mean of squared gradients, in [0, 1).</param>
    /// <param name="epsilon">Added to the denominator, positive.</param>
    /// <param name="decays">Which parameters decay; null for those with two axes or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static UpdateRule AdamW(
        double learningRate = 1e-4, double weightDecay = 0.01, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, Func<string, Tensor, bool>? decays = null) =>
        new AdamRule("adamw", learningRate, weightDecay, beta1, beta2, epsilon, decoupled: true, decays);

    /// <summary>Adam. (Kingma and Ba 2015) Weight decay, if any, is added to the gradient.</summary>
    /// <inheritdoc cref="AdamW" path="/param|/exception"/>
    public static UpdateRule Adam(
        double learningRate = 1e-4, double weightDecay = 0, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, Func<string, Tensor, bool>? decays = null) =>
        new AdamRule("adam", learningRate, weightDecay, beta1, beta2, epsilon, decoupled: false, decays);

    /// <summary>Gradient descent, with momentum if wished. Weight decay is added to the gradient.</summary>
    /// <param name="learningRate">At least 0.</param>
    /// <param name="momentum">In [0, 1).</param>
    /// <param name="weightDecay">At least 0.</param>
    /// <param name="nesterov">Whether the momentum looks ahead; needs momentum.</param>
    /// <param name="decays">Which parameters decay; null for those with two axes or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    /// <exception cref="ArgumentException">Nesterov's form was asked for without momentum.</exception>
    public static UpdateRule Sgd(double learningRate = 0.01, double momentum = 0, double weightDecay = 0, bool nesterov = false, Func<string, Tensor, bool>? decays = null) =>
        new SgdRule(learningRate, momentum, weightDecay, nesterov, decays);

    /// <summary>How many tensors of state a parameter has, and their names in a checkpoint.</summary>
    internal abstract IReadOnlyList<string> Slots { get; }

    /// <summary>Updates some parameters.</summary>
    internal abstract void Apply(TensorKernels kernels, ParameterTensors tensors, double rate, double decay, Tensor? divisor, Tensor skip);

    private protected static void CheckDecay(double value, string name)
    {
        if (!(value >= 0 && value < 1)) throw new ArgumentOutOfRangeException(name, value, $"{name} lies in [0, 1).");
    }

    private static void CheckAtLeastZero(double value, string name)
    {
        if (!(value >= 0) || !double.IsFinite(value)) throw new ArgumentOutOfRangeException(name, value, $"{name} must be finite and at least 0.");
    }

    private sealed class AdamRule : UpdateRule
    {
        private readonly (double Beta1, double Beta2, double Epsilon, bool Decoupled) _numbers;

        public AdamRule(string name, double learningRate, double weightDecay, double beta1, double beta2, double epsilon, bool decoupled, Func<string, Tensor, bool>? decays)
            : base(name, learningRate, weightDecay, decays)
        {
            CheckDecay(beta1, nameof(beta1));
            CheckDecay(beta2, nameof(beta2));
            if (!(epsilon > 0) || !double.IsFinite(epsilon)) throw new ArgumentOutOfRangeException(nameof(epsilon), epsilon, "epsilon must be finite and positive.");
            _numbers = (beta1, beta2, epsilon, decoupled);
        }

        internal override IReadOnlyList<string> Slots { get; } = ["exp_avg", "exp_avg_sq"];

        internal override void Apply(TensorKernels kernels, ParameterTensors tensors, double rate, double decay, Tensor? divisor, Tensor skip) =>
            kernels.Adam(tensors, new AdamNumbers(rate, _numbers.Beta1, _numbers.Beta2, _numbers.Epsilon, decay, _numbers.Decoupled), divisor, skip);
    }

    private sealed class SgdRule : UpdateRule
    {
        private readonly double _momentum;
        private readonly bool _nesterov;

        public SgdRule(double learningRate, double momentum, double weightDecay, bool nesterov, Func<string, Tensor, bool>? decays)
            : base("sgd", learningRate, weightDecay, decays)
        {
            CheckDecay(momentum, nameof(momentum));
            if (nesterov && momentum == 0) throw new ArgumentException("Nesterov's form needs momentum.", nameof(nesterov));
            (_momentum, _nesterov) = (momentum, nesterov);
        }

        internal override IReadOnlyList<string> Slots => _momentum == 0 ? [] : ["momentum_buffer"];

        internal override void Apply(TensorKernels kernels, ParameterTensors tensors, double rate, double decay, Tensor? divisor, Tensor skip) =>
            kernels.Sgd(tensors, new SgdNumbers(rate, _momentum, decay, _nesterov), divisor, skip);
    }
}
