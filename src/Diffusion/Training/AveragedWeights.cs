using TorchSharp.Modules;

namespace Diffusion.Training;

/// <summary>
/// A running average of a network's weights: what samples are drawn with. Owns a copy of every parameter; several may follow one
/// network. For one thread at a time.
/// </summary>
/// <remarks>
/// Call <see cref="Update"/> after every optimizer step. Buffers are not averaged. Build it after the module is on its device: moving a
/// module replaces its parameters.
/// <code>
/// using (average.Applied())
///     Sample(network); // with the averaged weights; afterwards the trained ones are back
/// </code>
/// </remarks>
public sealed class AveragedWeights : IDisposable
{
    private readonly TensorKernels _kernels;
    private readonly (string Name, Parameter Value)[] _parameters;
    private readonly Tensor[] _averages;
    private bool _applied;

    /// <summary>An average that begins at the present weights.</summary>
    /// <param name="module">The network whose weights are averaged; borrowed.</param>
    /// <param name="rule">How much each update keeps.</param>
    /// <exception cref="ArgumentException">The module has no parameters.</exception>
    public AveragedWeights(nn.Module module, AveragingRule rule) : this(module, rule, TensorKernels.Best)
    {
    }

    internal AveragedWeights(nn.Module module, AveragingRule rule, TensorKernels kernels)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(rule);
        _parameters = [.. module.named_parameters()];
        if (_parameters.Length == 0) throw new ArgumentException("The module has no parameters to average.", nameof(module));
        (Rule, _kernels) = (rule, kernels);
        using var gradients = no_grad();
        _averages = Array.ConvertAll(_parameters, p => p.Value.clone().DetachFromDisposeScope());
    }

    /// <summary>How much each update keeps.</summary>
    public AveragingRule Rule { get; }

    /// <summary>How many updates there have been.</summary>
    public long Updates { get; internal set; }

    /// <summary>The averages by the names of the parameters, live and borrowed. While applied they hold the trained weights.</summary>
    public IReadOnlyDictionary<string, Tensor> Values
    {
        get
        {
            var values = new Dictionary<string, Tensor>(StringComparer.Ordinal);
            for (var i = 0; i < _averages.Length; i++) values.Add(_parameters[i].Name, _averages[i]);
            return values;
        }
    }

    /// <summary>Moves the average towards the present weights, by the rule.</summary>
    /// <exception cref="InvalidOperationException">The average is applied: the network holds it instead of its own weights.</exception>
    public void Update()
    {
        if (_applied) throw new InvalidOperationException("The averaged weights are applied to the network; dispose what Applied returned before training goes on.");
        using var gradients = no_grad();
        var decay = Rule.Decay(++Updates);
        if (decay == 0) Each((parameter, average) => average.copy_(parameter));
        else _kernels.Lerp(_averages, Array.ConvertAll(_parameters, p => (Tensor)p.Value), 1 - decay);
    }

    /// <summary>Puts the averages into the network until the result is disposed, which puts the trained weights back, bit for bit. The two change places, so no third copy is needed.</summary>
    /// <exception cref="InvalidOperationException">They are applied already.</exception>
    public IDisposable Applied()
    {
        if (_applied) throw new InvalidOperationException("The averaged weights are applied already.");
        Exchange();
        return new Application(this);
    }

    /// <summary>Copies the averages into the parameters of the same names of another module, for example a second network that samples are drawn with.</summary>
    /// <param name="module">Has all the parameters, of the same shapes.</param>
    /// <exception cref="ArgumentException">A parameter is missing or has another shape.</exception>
    public void CopyTo(nn.Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        var targets = module.named_parameters().ToDictionary(p => p.name, p => p.parameter, StringComparer.Ordinal);
        foreach (var (name, average) in Values)
            if (!targets.TryGetValue(name, out var target) || !target.shape.AsSpan().SequenceEqual(average.shape))
                throw new ArgumentException($"The module has no parameter '{name}' of shape [{string.Join(", ", average.shape)}].", nameof(module));
        using var gradients = no_grad();
        foreach (var (name, average) in Values) targets[name].copy_(average);
    }

    /// <summary>Frees the averages. The parameters stay.</summary>
    public void Dispose()
    {
        if (_applied) Exchange();
        foreach (var average in _averages) average.Dispose();
    }

    private void Exchange()
    {
        using var gradients = no_grad();
        Each((parameter, average) =>
        {
            using var held = parameter.clone();
            parameter.copy_(average);
            average.copy_(held);
        });
        _applied = !_applied;
    }

    private void Each(Action<Tensor, Tensor> action)
    {
        for (var i = 0; i < _averages.Length; i++) action(_parameters[i].Value, _averages[i]);
    }

    private sealed class Application(AveragedWeights average) : IDisposable
    {
        private bool _ended;

        public void Dispose()
        {
            if (_ended || !average._applied) return;
            _ended = true;
            average.Exchange();
        }
    }
}
